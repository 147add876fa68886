"""Sinks of ClickHouse, and tables as others create them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from log_replay.sinks import open_sink
from tests.support.statement_batches import event, xapi

KEY = "0123456789ab"
RALPH_TABLE = """CREATE TABLE xapi.xapi_events_all (
    event_id UUID NOT NULL, emission_time DateTime64(6) NOT NULL, event String NOT NULL
) ENGINE ReplacingMergeTree ORDER BY (emission_time, event_id) PRIMARY KEY (emission_time, event_id)
PARTITION BY toYYYYMM(emission_time)"""


def microseconds(time: str) -> int:
    moment = datetime.fromisoformat(time)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


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
