"""Delivering only the statements that a table does not have yet, to any destination."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.clickhouse import existing_ids
from log_replay.clickhouse.clients import connect
from log_replay.clickhouse.existing_ids import find_existing_ids
from log_replay.clickhouse.rows import microseconds
from log_replay.clickhouse.tables import create_table, statement_table
from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.records import Delivery
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.routes import Route
from log_replay.sinks.lrs.sink import LrsSink
from log_replay.sinks.only_missing import ALREADY_PRESENT, OnlyMissing
from tests.support.clickhouse_tables import KEY
from tests.support.keeping_lrs import KeepingLrs
from tests.support.runs import logs, options, replay, source
from tests.support.scripted_server import LrsResponse
from tests.support.servers import ralph
from tests.support.statement_batches import batch_of, caliper, event, xapi

__all__ = ["logs", "options", "ralph", "replay", "source"]

EMBEDDED = ["--destination_provider", "CLICKHOUSE", "--create_tables"]


class RecordingSink:
    """A destination that records all events and returns the same outcome for all statements."""

    routing = None

    def __init__(self, outcome="delivered"):
        self.events, self.outcome, self.logged = [], outcome, []

    def check(self):
        pass

    def resume_from(self, acknowledgements):
        pass

    def deliver(self, batch):
        self.events += batch
        return Delivery(**{self.outcome: sum(len(each.statements) for each in batch)})

    def close(self, *, complete):
        pass

    @property
    def ids(self):
        return [statement.id for each in self.events for statement in each.statements]


@pytest.fixture
def stored(home):
    """Return a function that inserts statements into the embedded table."""

    def fill(*statements, transformer_type="xapi"):
        from log_replay.sinks import open_sink

        sink = open_sink("CLICKHOUSE", {"create_tables": True}, transformer_type=transformer_type, key=KEY)
        sink.check()
        sink.deliver([event(*statements)])
        sink.close(complete=True)

    return fill


@pytest.fixture
def wrapped():
    """Return a function that wraps a sink."""
    sinks = []

    def wrap(sink, config=None, transformer_type="xapi", **more):
        only_missing = OnlyMissing(
            sink, config or {}, transformer_type=transformer_type, log=sink.logged.extend, **more
        )
        sinks.append(only_missing)
        only_missing.check()
        return only_missing

    yield wrap
    for sink in sinks:
        sink.close(complete=False)


def test_present_statements_are_only_counted_as_duplicate(stored, wrapped):
    there, missing = [xapi(), xapi()], [xapi(), xapi()]
    stored(*there)
    batch = [event(there[0], missing[0], offset=0), event(there[1], offset=1), event(missing[1], offset=2)]
    recording = RecordingSink()
    delivery = wrapped(recording).deliver(batch)
    assert recording.ids == [statement.id for statement in missing]
    assert recording.logged == recording.events
    assert delivery[:4] == (2, 2, 0, 0)
    assert delivery.outcomes == ["duplicate", "delivered", "duplicate", "delivered"]


def test_outcomes_of_missing_statements_come_from_the_sink(stored, wrapped):
    there = xapi()
    stored(there)
    delivery = wrapped(RecordingSink("failed")).deliver([event(xapi()), event(there)])
    assert delivery.outcomes == ["failed", "duplicate"]
    assert delivery[:4] == (0, 1, 0, 1)


def test_redelivery_sends_what_was_missing_at_first_delivery(stored, wrapped):
    there, missing = xapi(), [xapi(), xapi()]
    stored(there)
    with KeepingLrs() as lrs, KeepingLrs() as mortal:
        mortal.fail_after(0, LrsResponse(503))
        routes = [Route(lrs.url), Route(mortal.url)]
        lost = LrsSink(routes, transformer_type="xapi", retry_policy=RetryPolicy(retries=0))
        lost.logged = []
        sink = wrapped(lost)
        batch = [event(missing[0], there), event(missing[1])]
        delivery = sink.deliver(batch)
        assert delivery.outcomes == ["failed", "duplicate", "failed"]
        assert delivery.undelivered.outcomes == ["delivered", ALREADY_PRESENT, "delivered"]
        stored(*missing)
        mortal.recover()
        assert mortal.url in sink.retry_now()
        after = sink.redeliver(batch, delivery.undelivered)
        assert after.outcomes == ["delivered", "duplicate", "delivered"]
        assert after[:4] == (2, 1, 0, 0)
        assert after.undelivered is None
        assert set(mortal.received) == set(lrs.received) == {statement.id for statement in missing}
        assert set(lrs.received.values()) == {1}


def test_sink_does_not_get_a_batch_that_is_present(stored, wrapped):
    there = xapi()
    stored(there)
    recording = RecordingSink()
    assert wrapped(recording).deliver([event(there)])[:4] == (0, 1, 0, 0)
    assert recording.events == []


def test_caliper_ids_are_found(stored, wrapped):
    there = caliper()
    stored(there, transformer_type="caliper")
    assert wrapped(RecordingSink(), transformer_type="caliper").deliver([event(there), event(caliper())])[:2] == (1, 1)


def test_statements_stored_with_milliseconds_are_found(stored, wrapped):
    """Aspects' own backfill stores milliseconds."""
    statement = xapi(time="2026-03-02T08:15:27.999999+00:00")
    stored(statement._replace(timestamp="2026-03-02T08:15:27.999+00:00"))
    assert wrapped(RecordingSink()).deliver([event(statement)]).duplicate == 1


def test_unstorable_statement_counts_as_missing(stored, wrapped):
    stored(xapi())
    assert (
        wrapped(RecordingSink()).deliver([event(xapi()._replace(id="x"), xapi()._replace(timestamp="x"))]).delivered
        == 2
    )


def test_batch_of_several_queries_is_compared_completely(stored, wrapped, monkeypatch):
    monkeypatch.setattr(existing_ids, "_IDS_PER_QUERY", 30)
    batch = batch_of(100)
    stored(*(each.statements[0] for each in batch[::2]))
    assert wrapped(RecordingSink()).deliver(batch)[:2] == (50, 50)


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=200))
def test_ranges_contain_every_time_and_are_limited(seconds):
    moments = sorted(datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=each / 100) for each in seconds)
    ranges = list(existing_ids._ranges(moments))
    assert len(ranges) <= existing_ids._MAX_RANGES
    assert all(any(first <= microseconds(each) <= last for first, last in ranges) for each in moments)


def test_query_skips_the_time_between_distant_events(home):
    """ClickHouse's query plan has only the granules around the times."""
    client = connect({})
    table = statement_table({}, "xapi")
    create_table(client, table)
    client.command(
        f"INSERT INTO {table} SELECT generateUUIDv4(), toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, ''"
        " FROM numbers(1000000) SETTINGS max_insert_threads = 1"
    )
    plans = []
    asking = client.raw_query
    client.raw_query = lambda query, **more: (
        plans.append(client.command(f"EXPLAIN indexes = 1 {query}")) or asking(query, **more)
    )
    times = ["2026-01-01T00:00:01Z", "2026-01-11T00:00:00Z"]
    assert find_existing_ids(client, table, [xapi(time=time) for time in times]) == frozenset()
    client.close()
    read, total = map(int, re.findall(r"Granules: (\d+)/(\d+)", plans[0])[-1])
    assert total > 100
    assert read <= 4


def test_query_is_retried_after_a_temporary_error(clickhouse, wrapped, stored):
    client = connect(clickhouse.config)
    create_table(client, statement_table({}, "xapi"))
    client.close()
    sink = wrapped(RecordingSink(), clickhouse.config, retry_policy=RetryPolicy(first_delay_seconds=0))
    clickhouse.inject({"query": "SELECT DISTINCT", "status": 503}, {"query": "SELECT DISTINCT", "code": 241})
    assert sink.deliver([event(xapi())]).delivered == 1
    clickhouse.inject({"query": "SELECT DISTINCT", "code": 516})
    with pytest.raises(DestinationUnavailable, match="password"):
        sink.deliver([event(xapi())])


def test_missing_table_is_a_configuration_error(home, wrapped):
    with pytest.raises(ConfigurationError, match="no such table"):
        wrapped(RecordingSink())


KEEP = ["--add_external_ids", "no"]


def test_second_run_into_the_same_table_delivers_nothing(replay, source):
    replay(*source, *EMBEDDED)
    report = replay(*source, *EMBEDDED, "--only_missing", *KEEP)
    assert report.total.duplicate == report.total.statements > 200
    assert report.total.delivered == 0
    assert report.total.balanced


@pytest.mark.parametrize("destination", ["LOCAL", "LOGGER", "CLICKHOUSE"])
def test_gap_is_delivered_to_any_destination(replay, source, tmp_path, destination):
    """The table has all of the log except two days."""
    replay(*source, *EMBEDDED, "--until", "2026-03-03")
    (tmp_path / "out").mkdir()
    logged = tmp_path / "logged"
    config = {"LOCAL": {"key": str(tmp_path), "container": "out"}}.get(destination, {})
    where = ["--destination_provider", destination, "--destination_config", json.dumps(config)]
    report = replay(
        *source,
        *where,
        "--only_missing",
        *KEEP,
        "--log_to",
        f"file:{logged}",
        "--log_format",
        "raw",
        "--batch_size",
        "70",
    )
    assert report.total.balanced
    assert report.total.delivered > 20
    assert report.total.duplicate > 20
    texts = logged.read_bytes().splitlines()
    assert len(texts) == report.total.delivered
    files = [line for path in sorted((tmp_path / "out").glob("xapi_*")) for line in path.read_bytes().splitlines()]
    assert files == (texts if destination == "LOCAL" else [])
    client = connect({})
    ((there,),) = client.query("SELECT count() FROM openedx.xapi_events_all FINAL").result_rows
    client.close()
    assert there == (report.total.statements if destination == "CLICKHOUSE" else report.total.duplicate)


def test_gap_is_delivered_to_an_lrs(replay, source, ralph):
    replay(*source, *EMBEDDED, "--until", "2026-03-03")
    place = ["--destination_provider", "LRS", "--destination_config", json.dumps(ralph.config)]
    report = replay(*source, *place, "--only_missing", "--sleep_between_batches_secs", "0", "--log_to", "null", *KEEP)
    assert report.total.balanced
    assert report.total.delivered > 20
    assert len(ralph.statements()) == report.total.delivered


def test_missing_from_compares_with_another_clickhouse(replay, source, clickhouse):
    elsewhere = json.dumps(clickhouse.config)
    replay(*source, "--destination_provider", "CLICKHOUSE", "--destination_config", elsewhere, "--create_tables")
    logger = ["--destination_provider", "LOGGER", "--log_to", "null"]
    report = replay(*source, *logger, "--only_missing", "--missing_from", elsewhere, *KEEP)
    assert report.total.duplicate == report.total.statements


def test_missing_from_requires_only_missing(options, source):
    with pytest.raises(ConfigurationError, match="--only_missing"):
        options(["--transformer_type", "xapi", *source, "--missing_from", "{}"])
