"""Rows of ClickHouse's table ``_tracking`` as a source: by HTTP with faults, and embedded."""

from __future__ import annotations

import json
import threading

import pytest
import requests

from log_replay.errors import ConfigurationError, ReadError, SourceUnavailable
from log_replay.retry import RetryPolicy
from log_replay.sources import open_source
from tests.support.clickhouse_servers import clickhouse, clickhouse_process

__all__ = ["clickhouse", "clickhouse_process"]

HOURS = ["2026-03-01T07", "2026-03-01T08", "2026-03-02T00"]


def rows(hour: str, count: int) -> list[tuple[str, str]]:
    """Return rows of an hour, ordered by time and text."""
    day, hour = hour.split("T")
    made = [
        (f"{day} {hour}:{n % 60:02}:00", json.dumps({"name": f"event {n}", "text": "x" * (n % 90)}))
        for n in range(count)
    ]
    return sorted(made)


ROWS = {hour: rows(hour, count) for hour, count in zip(HOURS, (5, 3000, 1), strict=True)}
LOG = {hour: "".join(f"{message}\n" for _, message in found).encode() for hour, found in ROWS.items()}


def insert(server, *found):
    data = "\n".join(json.dumps({"time": time, "message": message}) for time, message in found)
    query = f"INSERT INTO openedx._tracking FORMAT JSONEachRow\n{data}"
    requests.post(
        server.url, data=query.encode(), auth=(server.username, server.password), timeout=60
    ).raise_for_status()


@pytest.fixture
def table(clickhouse):
    """The table, whose rows are not in order."""
    clickhouse.query("CREATE DATABASE openedx")
    clickhouse.query("CREATE TABLE openedx._tracking (time DateTime, message String) ENGINE = MergeTree ORDER BY time")
    for hour in reversed(HOURS):
        insert(clickhouse, *reversed(ROWS[hour]))
    clickhouse.inject()
    return clickhouse


@pytest.fixture
def opened(table):
    def source(retries=3, **more):
        return open_source("CLICKHOUSE", {**table.config, **more}, RetryPolicy(retries, sleep=lambda _seconds: None))

    return source


def read(source, obj, *window):
    return b"".join(source.read(obj, *window))


def test_each_hour_with_rows_is_an_object(opened):
    source = opened()
    source.check()
    found = list(source.objects())
    assert {obj.name: obj.size_bytes for obj in found} == {hour: len(LOG[hour]) for hour in HOURS}
    assert {obj.name: read(source, obj) for obj in found} == LOG
    assert list(source.objects()) == found


def test_the_version_changes_with_any_row(opened, table):
    before = list(opened().objects())
    insert(table, ("2026-03-01 07:59:59", "{}"))
    after = list(opened().objects())
    assert [old.version == new.version for old, new in zip(before, after, strict=True)] == [False, True, True]


@pytest.mark.parametrize("window", [(0, 0), (0, 1), (1, None), (70_000, 140_001), (10**7, None), (100, 10**8)])
def test_a_range_of_an_hour_is_read(opened, window):
    source = opened()
    obj = list(source.objects())[1]
    assert read(source, obj, *window) == LOG[HOURS[1]][slice(*window)]


def test_line_ends_within_a_row_do_not_cut_it(opened, table):
    insert(table, ("2026-03-03 00:00:00", '{"a":\n1}\n'))
    source = opened(since="2026-03-03")
    (obj,) = source.objects()
    assert read(source, obj) == b'{"a": 1} \n'
    assert obj.size_bytes == 10


@pytest.mark.parametrize(
    ("period", "hours", "lines"),
    [
        ({"since": "2026-03-01T08:00:00Z"}, HOURS[1:], 3001),
        ({"until": "2026-03-01T10:00:00+02:00"}, HOURS[:1], 5),
        ({"since": "2026-03-01T07:01:00", "until": "2026-03-01T07:03:00.5"}, HOURS[:1], 3),
        ({"since": "2027-01-01"}, [], 0),
    ],
)
def test_a_period_limits_the_rows(opened, period, hours, lines):
    source = opened(**period)
    found = list(source.objects())
    assert [obj.name for obj in found] == hours
    text = b"".join(read(source, obj) for obj in found)
    assert text.count(b"\n") == lines
    assert len(text) == sum(obj.size_bytes for obj in found)


def test_interrupted_reads_and_listings_are_repeated(opened, table):
    source = opened()
    table.inject({"query": "SELECT intDiv", "reset": True}, {"query": "SELECT replaceAll", "code": 241})
    obj = list(source.objects())[1]
    assert read(source, obj, 0, None) == LOG[HOURS[1]]
    table.inject(*[{"query": "SELECT replaceAll", "code": 241}] * 4)
    with pytest.raises(ReadError, match="4 times in a row"):
        read(source, obj)
    table.inject(*[{"query": "SELECT intDiv", "code": 202}] * 4)
    with pytest.raises(SourceUnavailable, match="try again later"):
        list(source.objects())


def test_a_refused_query_fails_at_once_without_any_row(opened, table):
    source = opened()
    obj = next(iter(source.objects()))
    table.inject({"query": "SELECT replaceAll", "code": 497})
    with pytest.raises(ReadError, match=r"error 497 \(ACCESS_DENIED\)") as caught:
        read(source, obj)
    assert "secret row" not in str(caught.value)


def test_deleted_rows_are_noticed(opened, table):
    source = opened()
    obj = list(source.objects())[1]
    table.query("ALTER TABLE openedx._tracking DELETE WHERE message LIKE '%event 7\"%' SETTINGS mutations_sync = 2")
    with pytest.raises(ReadError, match="the rows of this hour changed"):
        read(source, obj)


def test_changed_rows_are_noticed_when_a_read_is_repeated(opened, table, monkeypatch):
    source = opened()
    obj = list(source.objects())[1]
    monkeypatch.setattr("log_replay.sources.clickhouse.CHUNK_BYTES", 10_000)
    chunks = source.read(obj)
    first = next(chunks)
    lines = source._lines_from(obj, 0, _checksum_of(first), len(first))
    assert first + b"".join(lines) == LOG[HOURS[1]]
    insert(table, ("2026-03-01 08:00:00", "{}"))
    with pytest.raises(ReadError, match="the rows of this hour changed"):
        list(source._lines_from(obj, 0, _checksum_of(first), len(first)))
    chunks.close()


def _checksum_of(data):
    from log_replay.sources.clickhouse import _Checksum

    checksum = _Checksum()
    checksum.add(data)
    return checksum


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"table": "nosuch"}, "no such table"),
        ({"password": "wrong"}, "error 516"),
        ({"url": "http://127.0.0.1:9"}, "refused"),
        ({"tabel": "x"}, "did you mean table"),
        ({"since": "yesterday"}, '"since" in --source_config is not a date'),
        ({"until": 2026}, '"until" in --source_config is not a date'),
        ({"database": 7}, "database must be a name"),
    ],
)
def test_wrong_configurations_are_refused(opened, config, said):
    with pytest.raises(ConfigurationError, match=said):
        opened(**config).check()


def test_several_threads_read_at_the_same_time(opened):
    source = opened()
    found = list(source.objects())
    texts = {}
    threads = [
        threading.Thread(target=lambda obj=obj: texts.update({obj.name: read(source, obj)})) for obj in found * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == LOG
