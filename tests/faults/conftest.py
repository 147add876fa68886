"""Runs that are killed, resumed and compared with runs that were not."""

from __future__ import annotations

import gzip
import json

import pytest

from tests import generate_log
from tests.support.scenes import INTO_FILES, Driver, Scene
from tests.support.scripted_server import ScriptedServer
from tests.support.servers import learning_locker, ralph, s3, s3_server

__all__ = ["learning_locker", "ralph", "s3", "s3_server"]


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    home = tmp_path_factory.mktemp("driver")
    # Ten of the users in the log are unknown.
    (home / "identities.json").write_text(json.dumps(generate_log.identities(users=50, courses=5)))
    driver = Driver(home)
    yield driver
    driver.close()


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A folder of logs: one of several units, one compressed, one without a known event, and lines that are none."""
    key = tmp_path_factory.mktemp("source")
    logs = key / "logs"
    logs.mkdir()
    lines = list(generate_log.lines(count=700, known=0.6, users=60, courses=5, seed=7))
    lines[100:100] = [b"\n", b"nonsense\n", b'{"name": "problem_check", "event": \n']
    lines[450:450] = [b"\xff{}\n", b"\n"]
    (logs / "a.log").write_bytes(b"".join(lines[:480]))
    (logs / "b.log.gz").write_bytes(gzip.compress(b"".join(lines[480:600]), mtime=0))
    (logs / "c.log").write_bytes(b'{"name": "page_close", "event": ""}\n' * 20)
    (logs / "d.log").write_bytes(b"".join(lines[600:])[:-1])
    return [
        "--transformer_type", "xapi", "--source_provider", "LOCAL",
        "--source_config", json.dumps({"key": str(key), "container": "logs"}),
        "--unit_size", "120KB", "--batch_size", "30", "--add_external_ids", "no",
    ]  # fmt: skip


@pytest.fixture
def scene(driver, source, tmp_path):
    """Make a run of some destination."""

    def make(name: str, *destination: str) -> Scene:
        return Scene(driver, tmp_path / name, [*source, *destination])

    return make


@pytest.fixture(scope="session")
def whole(driver, source, tmp_path_factory):
    """A run into files that nobody interrupted."""
    run = Scene(driver, tmp_path_factory.mktemp("uninterrupted") / "run", [*source, *INTO_FILES])
    assert run.run() == 0, run.log
    return run


@pytest.fixture
def server():
    """Start a server that answers as the test says."""
    with ScriptedServer() as running:
        yield running
