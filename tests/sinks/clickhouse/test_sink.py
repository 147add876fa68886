"""Rows in tables: the embedded engine's, and those of a server over HTTP."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from log_replay.clickhouse import connect
from log_replay.clickhouse.tables import create_table, statement_table, tracking_table
from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.retry import RetryPolicy
from log_replay.sinks import open_sink
from log_replay.sinks.clickhouse import insert
from tests.support.clickhouse_tables import KEY, RALPH_TABLE, microseconds
from tests.support.statement_batches import batch_of, caliper, event, texts, xapi

#: Ralph's table, as Aspects' migrations leave it.
#: Vector's, before its column was renamed.
OLD_VECTOR_TABLE = """CREATE TABLE openedx.xapi_events_all (
    event_id UUID, emission_time DateTime64(6, 'America/New_York'), event_str String
) ENGINE ReplacingMergeTree PRIMARY KEY (emission_time) ORDER BY (emission_time, event_id)"""


@pytest.fixture
def retry_policy(monkeypatch):
    """Insist without pausing."""
    monkeypatch.setattr("log_replay.sinks.clickhouse.sink.RetryPolicy", lambda: RetryPolicy(first_delay_seconds=0))


@pytest.fixture(params=["embedded", "server"])
def config(request, tmp_path):
    if request.param == "server":
        return {**request.getfixturevalue("clickhouse").config, "create_tables": True}
    return {"path": str(tmp_path / "embedded"), "create_tables": True}


def rows(config, table="openedx.xapi_events_all", final="FINAL"):
    """Return what a table holds; through the sink's own engine, since a path has one owner."""
    client = connect(config)
    try:
        return client.query(
            f"SELECT toString(event_id), toUnixTimestamp64Micro(emission_time), * FROM {table} {final} ORDER BY ALL"
        ).result_rows
    finally:
        client.close()


def test_a_batch_becomes_rows_with_the_statements_own_text(config, opened, batch):
    assert opened(config).deliver(batch)[:4] == (4, 0, 0, 0)
    stored = {row[0]: (row[1], row[4].encode()) for row in rows(config)}
    assert stored == {
        statement.id: (microseconds(statement.timestamp), statement.text)
        for each in batch
        for statement in each.statements
    }


def test_caliper_has_a_table_of_its_own_and_the_ids_of_its_events(config, opened):
    statement = caliper()
    opened(config, "caliper").deliver([event(statement)])
    ((row_id, moment, *_, text),) = rows(config, "openedx.caliper_events_all")
    assert (f"urn:uuid:{row_id}", text.encode()) == (statement.id, statement.text)
    assert moment == microseconds("2026-03-02T08:15:27.913Z")


@pytest.mark.parametrize("time", [
    "2026-03-02T08:15:27.913562+00:00", "2026-03-02T08:15:27.000001Z", "2026-03-02T08:15:27", "1900-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999Z", "2026-03-29T02:30:00+05:45", "2026-11-01T01:30:00-04:00", "2261-12-31T23:59:59Z",
])  # fmt: skip
def test_moments_are_exact_to_the_microsecond_in_any_zone(config, opened, time):
    opened(config).deliver([event(xapi(time=time))])
    ((_, stored, *_),) = rows(config)
    assert stored == microseconds(time)


def test_a_repeat_stores_no_row_twice(config, opened, batch):
    for _ in range(2):
        sink = opened(config)
        sink.deliver(batch)
        sink.close(complete=True)
    assert len(rows(config, final="")) == 4


def test_a_repeat_with_other_content_is_stored(config, opened):
    """A user's name was corrected, say: the same lines now give other statements."""
    statement = xapi()
    for text in (statement.text, statement.text.replace(b"initialized", b"corrected")):
        opened(config).deliver([event(statement._replace(text=text))])
    assert len(rows(config, final="")) == 2
    ((*_, stored),) = rows(config)
    assert "corrected" in stored


UNSTORABLE = [
    {"id": "no-uuid"},
    *({"timestamp": time} for time in ("yesterday", "1899-12-31T00:00:00Z", "9999-12-31T23:59:59-14:00")),
]


@pytest.mark.parametrize("wrong", UNSTORABLE)
def test_a_statement_that_fits_no_row_fails_alone(config, opened, wrong):
    good, bad = xapi(), xapi()._replace(**wrong)
    delivery = opened(config).deliver([event(good, bad), event(xapi())])
    assert delivery[:4] == (2, 0, 0, 1)
    assert delivery.outcomes == ["delivered", "failed", "delivered"]
    assert len(rows(config)) == 2


def test_empty_batches_insert_nothing(config, opened):
    assert opened(config).deliver([event()])[:4] == (0, 0, 0, 0)


def test_statements_of_any_length_and_content_come_back_whole(config, opened):
    texts_ = [json.dumps({"x": "\x00\t\\'\"\n" + "ü" * size}).encode() for size in (0, 60, 63, 64, 9000, 1_100_000)]
    batch = [event(xapi()._replace(text=text)) for text in texts_]
    opened(config).deliver(batch)
    assert sorted(row[4].encode() for row in rows(config)) == sorted(texts_)


def test_ralph_s_and_vector_s_tables_are_filled_and_read_back(clickhouse, opened, batch):
    clickhouse.query("CREATE DATABASE xapi")
    clickhouse.query("CREATE DATABASE openedx")
    clickhouse.query(RALPH_TABLE)
    clickhouse.query(OLD_VECTOR_TABLE)
    ralph = {**clickhouse.config, "database": "xapi"}
    vector = {**clickhouse.config, "columns": {"event": "event_str"}}
    for config, table in ((ralph, "xapi.xapi_events_all"), (vector, "openedx.xapi_events_all")):
        opened(config).deliver(batch)
        assert sorted(row[4].encode() for row in rows(config, table)) == sorted(texts(batch))
        assert {row[1] for row in rows(config, table)} == {microseconds(xapi().timestamp)}


def test_a_batch_may_span_more_months_than_clickhouse_allows_by_itself(clickhouse, opened):
    clickhouse.query("CREATE DATABASE xapi")
    clickhouse.query(RALPH_TABLE)
    batch = [
        event(xapi(time=f"{year}-{month:02}-01T00:00:00Z")) for year in range(2010, 2020) for month in range(1, 13)
    ]
    assert opened({**clickhouse.config, "database": "xapi"}).deliver(batch).delivered == 120


def test_tables_are_made_as_aspects_makes_them(clickhouse, opened):
    opened({**clickhouse.config, "create_tables": True})
    ((engine, order),) = clickhouse.query(
        "SELECT engine, sorting_key FROM system.tables WHERE database = 'openedx' AND name = 'xapi_events_all'"
    )
    assert (engine, order) == ("ReplacingMergeTree", "emission_time, event_id")


@pytest.mark.parametrize(
    ("table", "columns", "engine", "order"),
    [
        (
            statement_table({"cluster": "my cluster"}, "xapi"),
            "event_id UUID, emission_time DateTime64(6), event String",
            "ReplicatedReplacingMergeTree",
            "(emission_time, event_id)",
        ),
        (tracking_table({"cluster": "my cluster"}), "time DateTime, message String", "ReplicatedMergeTree", "(time)"),
    ],
    ids=["statements", "tracking"],
)
def test_on_a_cluster_tables_are_replicated(clickhouse, table, columns, engine, order):
    """No cluster is at hand: ClickHouse's own parser says what was asked for."""
    asked = []
    create_table(SimpleNamespace(command=asked.append), table)
    with connect(clickhouse.config) as client:
        formatted = [
            client.query("SELECT formatQuerySingleLine({sql:String})", {"sql": sql}).result_rows[0][0].replace("`", "")
            for sql in asked
        ]
    database, made = formatted
    assert database == "CREATE DATABASE IF NOT EXISTS openedx ON CLUSTER my cluster"
    assert made == (
        f"CREATE TABLE IF NOT EXISTS openedx.{table.name} ON CLUSTER my cluster ({columns})"
        f" ENGINE = {engine} ORDER BY {order}"
    )


def test_an_embedded_database_that_another_process_has_open_is_said_to_be(clickhouse_process, tmp_path_factory):
    data = next(tmp_path_factory.getbasetemp().glob("clickhouse*/data"))
    with pytest.raises(ConfigurationError, match="another process has this embedded database open"):
        connect({"path": str(data)})


WRONG = {
    "no table": ({}, [], "no such table"),
    "no column": ({}, ["event_id UUID, emission_time DateTime64(6)"], "no column event"),
    "old column": ({}, ["event_id UUID, emission_time DateTime64(6), event_str String"], '"columns": {"event": ...}'),
    "a mapped column that is not there": (
        {"columns": {"event": "event_str"}},
        ["event_id UUID, emission_time DateTime64(6), event String"],
        "no column event_str",
    ),
    "another precision": (
        {},
        ["event_id UUID, emission_time DateTime64(3, 'UTC'), event String"],
        "DateTime64(3, 'UTC'), not DateTime64(6)",
    ),
    "another password": ({"password": "wrong"}, [], "username and password"),
    "a URL where nobody is": ({"url": "http://127.0.0.1:1"}, [], "connection refused"),
    "a URL with credentials": ({"url": "http://u:hunter2@127.0.0.1"}, [], "credentials"),
    "no URL": ({"url": "127.0.0.1:8123"}, [], "no URL"),
    "url and path": ({"path": "/tmp"}, [], "either"),
    "unknown keys": ({"tabel": "x"}, [], "tabel"),
    "columns that are none": ({"columns": {"evnt": "x"}}, [], "columns maps"),
    "a timeout that is none": ({"timeout_seconds": True}, [], "timeout_seconds"),
}


@pytest.mark.parametrize(("more", "columns", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_work_is_said_before_anything_is_read(clickhouse, more, columns, said):
    if columns:
        clickhouse.query("CREATE DATABASE openedx")
        clickhouse.query(f"CREATE TABLE openedx.xapi_events_all ({columns[0]}) ENGINE MergeTree ORDER BY event_id")
    with pytest.raises(ConfigurationError) as caught:
        open_sink("CLICKHOUSE", {**clickhouse.config, **more}, transformer_type="xapi", key=KEY).check()
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "hunter3" not in str(caught.value)


@pytest.mark.parametrize(
    ("username", "password", "said"), [("tests", "wrong", "WRONG_PASSWORD"), ("nobody", "x", "UNKNOWN_USER")]
)
def test_a_real_server_s_no_is_understood(old_clickhouse, username, password, said):
    with pytest.raises(ConfigurationError, match=f"{said}.*check username and password"):
        connect({"url": old_clickhouse, "username": username, "password": password})


def test_who_may_not_insert_is_told_before_anything_is_read(clickhouse, opened):
    opened({**clickhouse.config, "create_tables": True})
    clickhouse.inject({"query": "INSERT", "code": 497})
    with pytest.raises(ConfigurationError, match="ACCESS_DENIED"):
        opened(clickhouse.config)


PASSING = {
    "too many parts": {"code": 252},
    "memory": {"code": 241},
    "timeout": {"code": 159},
    "500": {"status": 500},
    "503": {"status": 503},
    "429": {"status": 429},
    "reset before": {"reset": True},
    "reset after commit": {"reset": True, "after": True},
    "error after commit": {"code": 319, "after": True},
    "503 after commit": {"status": 503, "after": True},
}


@pytest.mark.usefixtures("retry_policy")
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_costs_neither_a_row_nor_a_double(clickhouse, opened, batch, fault):
    sink = opened({**clickhouse.config, "create_tables": True})
    clickhouse.inject(*[{"query": "INSERT", **fault}] * 3)
    assert sink.deliver(batch)[:4] == (4, 0, 0, 0)
    assert clickhouse.query("SELECT count() FROM openedx.xapi_events_all") == [["4"]]
    assert sum(query.startswith("INSERT") for query in clickhouse.asked()) >= 4


@pytest.mark.usefixtures("retry_policy")
@pytest.mark.parametrize("fault", [{"reset": True, "after": True}, {"code": 319, "after": True}, {"reset": True}])
def test_what_passes_doubles_nothing_in_materialized_views_either(clickhouse, opened, batch, fault):
    sink = opened({**clickhouse.config, "create_tables": True})
    clickhouse.query(
        "CREATE TABLE openedx.verbs (id UUID, verb String) ENGINE MergeTree ORDER BY id"
        " SETTINGS non_replicated_deduplication_window = 100"
    )
    clickhouse.query(
        "CREATE MATERIALIZED VIEW openedx.verbs_mv TO openedx.verbs AS"
        " SELECT event_id AS id, JSONExtractString(event, 'verb', 'id') AS verb FROM openedx.xapi_events_all"
    )
    clickhouse.inject({"query": "INSERT", **fault})
    sink.deliver(batch)
    assert clickhouse.query("SELECT count() FROM openedx.verbs") == [["4"]]


@pytest.mark.usefixtures("retry_policy")
def test_a_slow_answer_is_a_timeout_and_is_tried_again(clickhouse, opened, batch):
    sink = opened({**clickhouse.config, "create_tables": True, "timeout_seconds": 1})
    clickhouse.inject({"query": "INSERT", "delay_seconds": 3, "after": True})
    assert sink.deliver(batch).delivered == 4
    assert clickhouse.query("SELECT count() FROM openedx.xapi_events_all") == [["4"]]


@pytest.mark.usefixtures("retry_policy")
@pytest.mark.parametrize("fault", [{"code": 252}, {"status": 503}, {"reset": True}])
def test_what_does_not_pass_in_all_attempts_stops_the_run(clickhouse, opened, batch, fault):
    sink = opened({**clickhouse.config, "create_tables": True})
    clickhouse.inject(*[{"query": "INSERT", **fault}] * 40)
    with pytest.raises(DestinationUnavailable, match="7 attempts"):
        sink.deliver(batch)


LASTING = [
    ({"code": 516}, "password"),
    ({"code": 60}, "UNKNOWN_TABLE"),
    ({"code": 243}, "NOT_ENOUGH_SPACE"),
    ({"status": 401}, "password"),
]


@pytest.mark.parametrize(("fault", "said"), LASTING)
def test_what_no_repeat_can_mend_stops_the_run_at_once(clickhouse, opened, batch, fault, said):
    sink = opened({**clickhouse.config, "create_tables": True})
    clickhouse.inject({"query": "INSERT", **fault})
    with pytest.raises(DestinationUnavailable, match=said):
        sink.deliver(batch)
    assert sum(query.startswith("INSERT") for query in clickhouse.asked()) == 1


@pytest.fixture
def picky(tmp_path):
    """An embedded table that refuses statements that say so, as a materialized view below it could."""
    config = {"path": str(tmp_path / "embedded")}
    client = connect(config)
    client.command("CREATE DATABASE openedx")
    client.command(
        "CREATE TABLE openedx.xapi_events_all (event_id UUID, emission_time DateTime64(6), event String,"
        " CONSTRAINT good CHECK position(event, 'refuse me') = 0)"
        " ENGINE ReplacingMergeTree ORDER BY (emission_time, event_id)"
    )
    client.close()
    return config


def bad(text=b'{"say": "refuse me"}'):
    return xapi()._replace(text=text)


@pytest.mark.parametrize("places", [[0], [99], [0, 1, 50, 99], []])
def test_rows_that_are_refused_fail_alone(picky, opened, places):
    batch = batch_of(100)
    for place in places:
        batch[place] = event(bad(), offset=100 * place)
    delivery = opened(picky).deliver(batch)
    assert delivery[:4] == (100 - len(places), 0, 0, len(places))
    assert [number for number, outcome in enumerate(delivery.outcomes) if outcome == "failed"] == places
    assert [refusal.position.offset for refusal in delivery.refusals] == [100 * place for place in places]
    assert len(rows(picky)) == 100 - len(places)


def test_a_refusal_names_the_error_and_nothing_of_the_row(picky, opened):
    delivery = opened(picky).deliver([event(bad(b'{"say": "refuse me", "name": "Jane Doe"}'))])
    (failure,) = delivery.failures
    assert "469" in failure
    assert "Jane" not in failure


def test_a_batch_that_is_refused_throughout_is_not_taken_apart_for_ever(picky, opened, monkeypatch):
    monkeypatch.setattr(insert, "MOST_PIECES", 20)
    delivery = opened(picky).deliver([event(bad()) for _ in range(1000)])
    assert delivery.failed == 1000


def test_bodies_are_compressed_on_the_way(clickhouse, opened):
    """A server that could not read them would have refused them: what is stored says that they arrived."""
    statement = xapi()._replace(text=b"x" * 1_000_000)
    opened({**clickhouse.config, "create_tables": True}).deliver([event(statement)])
    ((length,),) = clickhouse.query("SELECT length(event) FROM openedx.xapi_events_all")
    assert length == "1000000"
    (insert,) = [query for query in clickhouse.asked() if query.startswith("INSERT") and "x" * 10 not in query][-1:]
    assert insert.endswith("FORMAT RowBinary")
