"""Only what a table does not have yet, to any destination."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.clickhouse import connect
from log_replay.clickhouse import existing_ids as id_queries
from log_replay.clickhouse.existing_ids import find_existing_ids
from log_replay.clickhouse.rows import microseconds
from log_replay.clickhouse.tables import create_table, statement_table
from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.records import WITHHELD, Delivery
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.routes import Route
from log_replay.sinks.lrs.sink import LrsSink
from log_replay.sinks.only_missing import OnlyMissing
from tests.support.clickhouse_tables import KEY
from tests.support.keeping_lrs import KeepingLrs
from tests.support.runs import logs, options, replay, source
from tests.support.scripted_server import LrsResponse
from tests.support.servers import ralph
from tests.support.statement_batches import batch_of, caliper, event, xapi

__all__ = ["logs", "options", "ralph", "replay", "source"]

EMBEDDED = ["--destination_provider", "CLICKHOUSE", "--create_tables"]


class Taken:
    """A destination that keeps what it is given, and says of each statement what the test says."""

    def __init__(self, outcome="delivered"):
        self.events, self.outcome, self.logged = [], outcome, []

    def check(self):
        pass

    def routes(self, fields):
        return -1

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
    """Fill the embedded table with statements."""

    def fill(*statements, transformer_type="xapi"):
        from log_replay.sinks import open_sink

        sink = open_sink("CLICKHOUSE", {"create_tables": True}, transformer_type=transformer_type, key=KEY)
        sink.check()
        sink.deliver([event(*statements)])
        sink.close(complete=True)

    return fill


@pytest.fixture
def wrapped():
    """Wrap a destination."""
    sinks = []

    def wrap(taken, config=None, transformer_type="xapi", **more):
        sink = OnlyMissing(taken, config or {}, transformer_type=transformer_type, log=taken.logged.extend, **more)
        sinks.append(sink)
        sink.check()
        return sink

    yield wrap
    for sink in sinks:
        sink.close(complete=False)


def test_what_is_there_is_neither_logged_nor_delivered_but_counted(stored, wrapped):
    there, missing = [xapi(), xapi()], [xapi(), xapi()]
    stored(*there)
    batch = [event(there[0], missing[0], offset=0), event(there[1], offset=1), event(missing[1], offset=2)]
    taken = Taken()
    delivery = wrapped(taken).deliver(batch)
    assert taken.ids == [statement.id for statement in missing]
    assert taken.logged == taken.events
    assert delivery[:4] == (2, 2, 0, 0)
    assert delivery.outcomes == ["duplicate", "delivered", "duplicate", "delivered"]


def test_what_becomes_of_the_rest_is_the_destination_s_own_word(stored, wrapped):
    there = xapi()
    stored(there)
    delivery = wrapped(Taken("failed")).deliver([event(xapi()), event(there)])
    assert delivery.outcomes == ["failed", "duplicate"]
    assert delivery[:4] == (0, 1, 0, 1)


def test_a_lost_route_gets_what_was_missing_then_whatever_has_come_to_the_table_since(stored, wrapped):
    there, missing = xapi(), [xapi(), xapi()]
    stored(there)
    with KeepingLrs() as lrs, KeepingLrs() as mortal:
        mortal.dies_after(0, LrsResponse(503))
        routes = [Route(lrs.url), Route(mortal.url)]
        lost = LrsSink(routes, transformer_type="xapi", retry_policy=RetryPolicy(retries=0))
        lost.logged = []
        sink = wrapped(lost)
        batch = [event(missing[0], there), event(missing[1])]
        delivery = sink.deliver(batch)
        assert delivery.outcomes == ["failed", "duplicate", "failed"]
        assert delivery.undelivered.outcomes == ["delivered", WITHHELD, "delivered"]
        stored(*missing)
        mortal.is_up()
        assert mortal.url in sink.retry_now()
        after = sink.redeliver(batch, delivery.undelivered)
        assert after.outcomes == ["delivered", "duplicate", "delivered"]
        assert after[:4] == (2, 1, 0, 0)
        assert after.undelivered is None
        assert set(mortal.received) == set(lrs.received) == {statement.id for statement in missing}
        assert set(lrs.received.values()) == {1}


def test_a_batch_that_is_there_wholly_never_reaches_the_destination(stored, wrapped):
    there = xapi()
    stored(there)
    taken = Taken()
    assert wrapped(taken).deliver([event(there)])[:4] == (0, 1, 0, 0)
    assert taken.events == []


def test_caliper_s_ids_are_found_too(stored, wrapped):
    there = caliper()
    stored(there, transformer_type="caliper")
    assert wrapped(Taken(), transformer_type="caliper").deliver([event(there), event(caliper())])[:2] == (1, 1)


def test_a_table_that_keeps_milliseconds_has_the_same_statements(stored, wrapped):
    """As Aspects' own backfill leaves it."""
    statement = xapi(time="2026-03-02T08:15:27.999999+00:00")
    stored(statement._replace(timestamp="2026-03-02T08:15:27.999+00:00"))
    assert wrapped(Taken()).deliver([event(statement)]).duplicate == 1


def test_a_statement_that_no_row_can_be_is_missing(stored, wrapped):
    stored(xapi())
    assert wrapped(Taken()).deliver([event(xapi()._replace(id="x"), xapi()._replace(timestamp="x"))]).delivered == 2


def test_any_number_of_statements_is_asked_about(stored, wrapped, monkeypatch):
    monkeypatch.setattr(id_queries, "_IDS_PER_QUERY", 30)
    batch = batch_of(100)
    stored(*(each.statements[0] for each in batch[::2]))
    assert wrapped(Taken()).deliver(batch)[:2] == (50, 50)


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=200))
def test_every_time_lies_in_one_of_few_ranges(seconds):
    moments = sorted(datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=each / 100) for each in seconds)
    ranges = list(id_queries._ranges(moments))
    assert len(ranges) <= id_queries._MOST_RANGES
    assert all(any(first <= microseconds(each) <= last for first, last in ranges) for each in moments)


def test_one_stray_event_does_not_make_clickhouse_read_all_that_lies_between(home):
    """It reads the granules around the times that were asked for, as its own plan says."""
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
    read, in_all = map(int, re.findall(r"Granules: (\d+)/(\d+)", plans[0])[-1])
    assert in_all > 100
    assert read <= 4


def test_clickhouse_that_comes_back_is_asked_again(clickhouse, wrapped, stored):
    client = connect(clickhouse.config)
    create_table(client, statement_table({}, "xapi"))
    client.close()
    sink = wrapped(Taken(), clickhouse.config, retry_policy=RetryPolicy(first_delay_seconds=0))
    clickhouse.inject({"query": "SELECT DISTINCT", "status": 503}, {"query": "SELECT DISTINCT", "code": 241})
    assert sink.deliver([event(xapi())]).delivered == 1
    clickhouse.inject({"query": "SELECT DISTINCT", "code": 516})
    with pytest.raises(DestinationUnavailable, match="password"):
        sink.deliver([event(xapi())])


def test_without_the_table_it_is_wrong_usage(home, wrapped):
    with pytest.raises(ConfigurationError, match="no such table"):
        wrapped(Taken())


KEEP = ["--add_external_ids", "no"]


def test_a_run_into_the_table_that_has_everything_inserts_nothing(replay, source):
    replay(*source, *EMBEDDED)
    report = replay(*source, *EMBEDDED, "--only_missing", *KEEP)
    assert report.total.duplicate == report.total.statements > 200
    assert report.total.delivered == 0
    assert report.total.balanced


@pytest.mark.parametrize("destination", ["LOCAL", "LOGGER", "CLICKHOUSE"])
def test_a_hole_is_filled_at_any_destination(replay, source, tmp_path, destination):
    """All of the log but two days is in the table."""
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


def test_a_hole_is_filled_at_an_lrs(replay, source, ralph):
    replay(*source, *EMBEDDED, "--until", "2026-03-03")
    place = ["--destination_provider", "LRS", "--destination_config", json.dumps(ralph.config)]
    report = replay(*source, *place, "--only_missing", "--sleep_between_batches_secs", "0", "--log_to", "null", *KEEP)
    assert report.total.balanced
    assert report.total.delivered > 20
    assert len(ralph.statements()) == report.total.delivered


def test_the_table_of_another_place_can_be_asked(replay, source, clickhouse):
    elsewhere = json.dumps(clickhouse.config)
    replay(*source, "--destination_provider", "CLICKHOUSE", "--destination_config", elsewhere, "--create_tables")
    logger = ["--destination_provider", "LOGGER", "--log_to", "null"]
    report = replay(*source, *logger, "--only_missing", "--missing_from", elsewhere, *KEEP)
    assert report.total.duplicate == report.total.statements


def test_missing_from_alone_is_wrong_usage(options, source):
    with pytest.raises(ConfigurationError, match="--only_missing"):
        options(["--transformer_type", "xapi", *source, "--missing_from", "{}"])
