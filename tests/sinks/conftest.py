from __future__ import annotations

import pytest
from sinks.scripted_server import ScriptedServer
from sinks.servers import learning_locker, ralph, s3, s3_server
from sinks.statement_batches import event, xapi

__all__ = ["learning_locker", "ralph", "s3", "s3_server"]


@pytest.fixture
def server():
    """Start a server that answers as the test says."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def other_server():
    """Start another."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def out(tmp_path):
    """A folder for outputs."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def batches():
    """Three batches; the second has no statement, the first an event with two."""
    return [
        [event(xapi(), xapi(), offset=0), event(xapi(), offset=1000)],
        [],
        [event(xapi(), offset=2000)],
    ]
