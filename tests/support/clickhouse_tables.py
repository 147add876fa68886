"""Sinks that insert into ClickHouse, and tables as other programs create them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from log_replay.clickhouse.tables import statement_table
from log_replay.retry import RetryPolicy
from log_replay.sinks.clickhouse.sink import ClickHouseSink
from tests.support.statement_batches import event, xapi

KEY = "0123456789ab"
#: The table of Ralph, as Aspects' migrations create it.
RALPH_TABLE = """CREATE TABLE xapi.xapi_events_all (
    event_id UUID NOT NULL, emission_time DateTime64(6) NOT NULL, event String NOT NULL
) ENGINE ReplacingMergeTree ORDER BY (emission_time, event_id) PRIMARY KEY (emission_time, event_id)
PARTITION BY toYYYYMM(emission_time)"""
NO_DELAY = RetryPolicy(first_delay_seconds=0)


def microseconds(time: str) -> int:
    moment = datetime.fromisoformat(time)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


@pytest.fixture
def opened():
    """Return a function that opens a checked sink. The sinks close at the end: a path can be open only once."""
    sinks = []

    def open_it(config, transformer_type="xapi", retry_policy=NO_DELAY):
        table = statement_table(config, transformer_type)
        create = config.get("create_tables") is True
        sink = ClickHouseSink(config, table, key=KEY, create=create, retry_policy=retry_policy)
        sinks.append(sink)
        sink.check()
        return sink

    yield open_it
    for sink in sinks:
        sink.close(complete=False)


@pytest.fixture
def batch():
    return [event(xapi(), xapi(), offset=0), event(xapi(), offset=1000), event(xapi(), offset=2000)]
