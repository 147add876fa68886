from __future__ import annotations

import pytest
from clickhouse.servers import clickhouse, clickhouse_process, old_clickhouse
from sinks.servers import s3, s3_server
from sinks.statement_batches import event, xapi

from log_replay.sinks import open_sink

__all__ = ["clickhouse", "clickhouse_process", "old_clickhouse", "s3", "s3_server"]

KEY = "0123456789ab"


@pytest.fixture
def opened():
    """Open sinks of ClickHouse, which are closed when the test ends: this process can have one embedded path."""
    sinks = []

    def open_it(config, transformer_type="xapi"):
        sink = open_sink("CLICKHOUSE", config, transformer_type=transformer_type, key=KEY)
        sinks.append(sink)
        sink.check()
        return sink

    yield open_it
    for sink in sinks:
        sink.close(complete=False)


@pytest.fixture
def batch():
    return [event(xapi(), xapi(), offset=0), event(xapi(), offset=1000), event(xapi(), offset=2000)]
