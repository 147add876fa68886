"""Fixtures for every test."""

from __future__ import annotations

import json
import logging
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.support.paths import SAMPLE

# A machine that is busy makes slow examples: no test may fail for that. On CI the examples are the same each time: a
# failure comes from the commit. Runs by hand try others each time.
settings.register_profile(
    "log_replay", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("log_replay")
# A shell starts background commands with SIGINT ignored, and processes inherit this.
signal.signal(signal.SIGINT, signal.default_int_handler)

#: The folders whose tests take longest.
SLOWEST = ("tests/faults/", "tests/tutor/", "tests/pipeline/workers/")


def pytest_collection_modifyitems(items):
    """Begin with the slowest tests. Otherwise one process runs them alone in the end. The order stays random else."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOWEST))


@pytest.fixture(autouse=True)
def _restore_loggers():
    """Restore the loggers that a test may have changed."""
    names = [None, "xapi_tracking", "caliper_tracking", "log_replay"]
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.handlers[:], logger.level, logger.propagate, logger.disabled) for logger in loggers]
    yield
    for logger, (handlers, level, propagate, disabled) in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate
        logger.disabled = disabled


@pytest.fixture(autouse=True)
def home(tmp_path_factory, settings, monkeypatch):
    """A state folder for this test alone, and for the processes that it starts."""
    settings.LOG_REPLAY_HOME = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("LOG_REPLAY_HOME", str(settings.LOG_REPLAY_HOME))
    return settings.LOG_REPLAY_HOME


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Create the LMS's tables in Django's test database."""
    from log_replay.standalone.embedded import create_lms_tables

    with django_db_blocker.unblock():
        create_lms_tables()


@pytest.fixture
def sample_identities(db, settings):
    """Load the shipped users and courses into the database."""
    from log_replay.standalone.embedded import load_identities

    directory = json.loads((SAMPLE / "identities.json").read_text())
    load_identities(directory)
    settings.RETIRED_USER_SALTS = directory["retired_user_salts"]
    return directory


@pytest.fixture(scope="session")
def sample_log() -> bytes:
    """The shipped log."""
    return (SAMPLE / "tracking.log").read_bytes()
