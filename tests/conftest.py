"""What every test may ask for."""

from __future__ import annotations

import json
import logging

import pytest

from tests.support.paths import SAMPLE


@pytest.fixture(autouse=True)
def _loggers_as_they_were():
    """Restore every logger that a test may have changed: the product is made of loggers."""
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
def home(tmp_path_factory, settings):
    """A state folder of the test's own."""
    settings.LOG_REPLAY_HOME = tmp_path_factory.mktemp("home")
    return settings.LOG_REPLAY_HOME


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Django's test database, with the LMS's own tables."""
    from log_replay.standalone.embedded import create_lms_tables

    with django_db_blocker.unblock():
        create_lms_tables()


@pytest.fixture
def sample_identities(db, settings):
    """The shipped users and courses, in the database."""
    from log_replay.standalone.embedded import load_identities

    directory = json.loads((SAMPLE / "identities.json").read_text())
    load_identities(directory)
    settings.RETIRED_USER_SALTS = directory["retired_user_salts"]
    return directory


@pytest.fixture(scope="session")
def sample_log() -> bytes:
    """The shipped log."""
    return (SAMPLE / "tracking.log").read_bytes()
