from __future__ import annotations

import pytest

from tests.support.clickhouse_servers import clickhouse, clickhouse_process, old_clickhouse
from tests.support.clickhouse_tables import batch, opened
from tests.support.scripted_server import ScriptedServer
from tests.support.servers import learning_locker, ralph, s3, s3_server
from tests.support.statement_batches import event, xapi

__all__ = [
    "batch", "clickhouse", "clickhouse_process", "learning_locker", "old_clickhouse", "opened", "ralph", "s3",
    "s3_server",
]  # fmt: skip


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
