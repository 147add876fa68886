"""The sink for ClickHouse: the embedded engine, and a server over HTTP."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from log_replay.clickhouse.clients import connect
from log_replay.clickhouse.tables import create_table, statement_table, tracking_table
from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.sinks import open_sink
from log_replay.sinks.clickhouse import insert
from tests.support.clickhouse_tables import KEY, RALPH_TABLE, microseconds
from tests.support.statement_batches import batch_of, caliper, event, texts, xapi

#: The table of Vector, before Aspects renamed its column.
OLD_VECTOR_TABLE = """CREATE TABLE openedx.xapi_events_all (
    event_id UUID, emission_time DateTime64(6, 'America/New_York'), event_str String
) ENGINE ReplacingMergeTree PRIMARY KEY (emission_time) ORDER BY (emission_time, event_id)"""


@pytest.fixture(params=["embedded", "server"])
def config(request, tmp_path):
    if request.param == "server":
        return {**request.getfixturevalue("clickhouse").config, "create_tables": True}
    return {"path": str(tmp_path / "embedded"), "create_tables": True}


def rows(config, table="openedx.xapi_events_all", final="FINAL"):
    """Return the rows of a table with the id as text and the time in microseconds."""
    client = connect(config)
    try:
        return client.query(
            f"SELECT toString(event_id), toUnixTimestamp64Micro(emission_time), * FROM {table} {final} ORDER BY ALL"
        ).result_rows
    finally:
        client.close()


def test_rows_contain_the_exact_text_of_the_statements(config, opened, batch):
    assert opened(config).deliver(batch)[:4] == (4, 0, 0, 0)
    stored = {row[0]: (row[1], row[4].encode()) for row in rows(config)}
    assert stored == {
        statement.id: (microseconds(statement.timestamp), statement.text)
        for each in batch
        for statement in each.statements
    }


def test_caliper_rows_have_their_own_table_and_event_ids(config, opened):
    statement = caliper()
    opened(config, "caliper").deliver([event(statement)])
    ((row_id, moment, *_, text),) = rows(config, "openedx.caliper_events_all")
    assert (f"urn:uuid:{row_id}", text.encode()) == (statement.id, statement.text)
    assert moment == microseconds("2026-03-02T08:15:27.913Z")


@pytest.mark.parametrize("time", [
    "2026-03-02T08:15:27.913562+00:00", "2026-03-02T08:15:27.000001Z", "2026-03-02T08:15:27", "1900-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999Z", "2026-03-29T02:30:00+05:45", "2026-11-01T01:30:00-04:00", "2261-12-31T23:59:59Z",
])  # fmt: skip
def test_emission_time_is_exact_in_any_time_zone(config, opened, time):
    opened(config).deliver([event(xapi(time=time))])
    ((_, stored, *_),) = rows(config)
    assert stored == microseconds(time)


def test_repeated_batch_stores_no_row_twice(config, opened, batch):
    for _ in range(2):
        sink = opened(config)
        sink.deliver(batch)
        sink.close(complete=True)
    assert len(rows(config, final="")) == 4


def test_repeated_batch_with_other_content_is_stored(config, opened):
    """The same lines give other statements if, for example, a user's name was corrected."""
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
def test_unstorable_statement_fails_alone(config, opened, wrong):
    good, bad = xapi(), xapi()._replace(**wrong)
    delivery = opened(config).deliver([event(good, bad), event(xapi())])
    assert delivery[:4] == (2, 0, 0, 1)
    assert delivery.outcomes == ["delivered", "failed", "delivered"]
    assert len(rows(config)) == 2


def test_empty_batch_inserts_nothing(config, opened):
    assert opened(config).deliver([event()])[:4] == (0, 0, 0, 0)


def test_statement_of_any_length_is_stored_unchanged(config, opened):
    texts_ = [json.dumps({"x": "\x00\t\\'\"\n" + "ü" * size}).encode() for size in (0, 60, 63, 64, 9000, 1_100_000)]
    batch = [event(xapi()._replace(text=text)) for text in texts_]
    opened(config).deliver(batch)
    assert sorted(row[4].encode() for row in rows(config)) == sorted(texts_)


def test_tables_of_ralph_and_vector_accept_the_rows(clickhouse, opened, batch):
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


def test_batch_can_span_more_than_100_months(clickhouse, opened):
    clickhouse.query("CREATE DATABASE xapi")
    clickhouse.query(RALPH_TABLE)
    batch = [
        event(xapi(time=f"{year}-{month:02}-01T00:00:00Z")) for year in range(2010, 2020) for month in range(1, 13)
    ]
    assert opened({**clickhouse.config, "database": "xapi"}).deliver(batch).delivered == 120


def test_created_table_has_the_engine_and_order_of_aspects(clickhouse, opened):
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
def test_created_table_on_a_cluster_is_replicated(clickhouse, table, columns, engine, order):
    """There is no cluster here: ClickHouse's own parser formats the SQL that was sent."""
    commands = []
    create_table(SimpleNamespace(command=commands.append), table)
    with connect(clickhouse.config) as client:
        formatted = [
            client.query("SELECT formatQuerySingleLine({sql:String})", {"sql": sql}).result_rows[0][0].replace("`", "")
            for sql in commands
        ]
    create_database, create = formatted
    assert create_database == "CREATE DATABASE IF NOT EXISTS openedx ON CLUSTER my cluster"
    assert create == (
        f"CREATE TABLE IF NOT EXISTS openedx.{table.name} ON CLUSTER my cluster ({columns})"
        f" ENGINE = {engine} ORDER BY {order}"
    )


def test_embedded_database_open_in_another_process_is_named(clickhouse_process, tmp_path_factory):
    data = next(tmp_path_factory.getbasetemp().glob("clickhouse*/data"))
    with pytest.raises(ConfigurationError, match="another process has this embedded database open"):
        connect({"path": str(data)})


CONFIGURATION_ERRORS = {
    "no table": ({}, [], "no such table"),
    "no column": ({}, ["event_id UUID, emission_time DateTime64(6)"], "no column event"),
    "old column": ({}, ["event_id UUID, emission_time DateTime64(6), event_str String"], '"columns": {"event": ...}'),
    "a mapped column that does not exist": (
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
    "a URL without a server": ({"url": "http://127.0.0.1:1"}, [], "connection refused"),
    "a URL with credentials": ({"url": "http://u:hunter2@127.0.0.1"}, [], "credentials"),
    "an invalid URL": ({"url": "127.0.0.1:8123"}, [], "url must be the URL"),
    "url and path": ({"path": "/tmp"}, [], "either"),
    "unknown keys": ({"tabel": "x"}, [], "tabel"),
    "an unknown column": ({"columns": {"evnt": "x"}}, [], "columns must map"),
    "an invalid timeout": ({"timeout_seconds": True}, [], "timeout_seconds"),
}


@pytest.mark.parametrize(("more", "columns", "expected"), CONFIGURATION_ERRORS.values(), ids=CONFIGURATION_ERRORS)
def test_check_reports_each_configuration_error(clickhouse, more, columns, expected):
    if columns:
        clickhouse.query("CREATE DATABASE openedx")
        clickhouse.query(f"CREATE TABLE openedx.xapi_events_all ({columns[0]}) ENGINE MergeTree ORDER BY event_id")
    with pytest.raises(ConfigurationError) as caught:
        open_sink("CLICKHOUSE", {**clickhouse.config, **more}, transformer_type="xapi", key=KEY).check()
    assert expected in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "hunter3" not in str(caught.value)


@pytest.mark.parametrize(
    ("username", "password", "error"), [("tests", "wrong", "WRONG_PASSWORD"), ("nobody", "x", "UNKNOWN_USER")]
)
def test_check_reads_the_authentication_errors_of_a_real_server(old_clickhouse, username, password, error):
    with pytest.raises(ConfigurationError, match=f"{error}.*check username and password"):
        connect({"url": old_clickhouse, "username": username, "password": password})


def test_check_fails_without_the_right_to_insert(clickhouse, opened):
    opened({**clickhouse.config, "create_tables": True})
    clickhouse.inject({"query": "INSERT", "code": 497})
    with pytest.raises(ConfigurationError, match="ACCESS_DENIED"):
        opened(clickhouse.config)


TEMPORARY_ERRORS = {
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


@pytest.mark.parametrize("fault", TEMPORARY_ERRORS.values(), ids=TEMPORARY_ERRORS)
def test_temporary_error_loses_and_duplicates_no_row(clickhouse, opened, batch, fault):
    sink = opened({**clickhouse.config, "create_tables": True})
    clickhouse.inject(*[{"query": "INSERT", **fault}] * 3)
    assert sink.deliver(batch)[:4] == (4, 0, 0, 0)
    assert clickhouse.query("SELECT count() FROM openedx.xapi_events_all") == [["4"]]
    assert sum(query.startswith("INSERT") for query in clickhouse.queries()) >= 4


@pytest.mark.parametrize("fault", [{"reset": True, "after": True}, {"code": 319, "after": True}, {"reset": True}])
def test_retry_duplicates_nothing_in_materialized_views(clickhouse, opened, batch, fault):
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


def test_slow_response_is_a_timeout_and_is_retried(clickhouse, opened, batch):
    sink = opened({**clickhouse.config, "create_tables": True, "timeout_seconds": 3})
    clickhouse.inject({"query": "INSERT", "delay_seconds": 9, "after": True})
    assert sink.deliver(batch).delivered == 4
    assert clickhouse.query("SELECT count() FROM openedx.xapi_events_all") == [["4"]]


@pytest.mark.parametrize("fault", [{"code": 252}, {"status": 503}, {"reset": True}])
def test_delivery_fails_after_the_last_retry(clickhouse, opened, batch, fault):
    sink = opened({**clickhouse.config, "create_tables": True})
    clickhouse.inject(*[{"query": "INSERT", **fault}] * 40)
    with pytest.raises(DestinationUnavailable, match="7 attempts"):
        sink.deliver(batch)


LASTING_ERRORS = [
    ({"code": 516}, "password"),
    ({"code": 60}, "UNKNOWN_TABLE"),
    ({"code": 243}, "NOT_ENOUGH_SPACE"),
    ({"status": 401}, "password"),
]


@pytest.mark.parametrize(("fault", "reason"), LASTING_ERRORS)
def test_lasting_error_is_not_retried(clickhouse, opened, batch, fault, reason):
    sink = opened({**clickhouse.config, "create_tables": True})
    clickhouse.inject({"query": "INSERT", **fault})
    with pytest.raises(DestinationUnavailable, match=reason):
        sink.deliver(batch)
    assert sum(query.startswith("INSERT") for query in clickhouse.queries()) == 1


@pytest.fixture
def refusing_table(tmp_path):
    """An embedded table that refuses some statements, as a materialized view of it could do."""
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
def test_refused_rows_fail_alone(refusing_table, opened, places):
    batch = batch_of(100)
    for place in places:
        batch[place] = event(bad(), offset=100 * place)
    delivery = opened(refusing_table).deliver(batch)
    assert delivery[:4] == (100 - len(places), 0, 0, len(places))
    assert [number for number, outcome in enumerate(delivery.outcomes) if outcome == "failed"] == places
    assert [refusal.position.offset for refusal in delivery.refusals] == [100 * place for place in places]
    assert len(rows(refusing_table)) == 100 - len(places)


def test_refusal_contains_no_content_of_the_row(refusing_table, opened):
    delivery = opened(refusing_table).deliver([event(bad(b'{"say": "refuse me", "name": "Jane Doe"}'))])
    (failure,) = delivery.failures
    assert "469" in failure
    assert "Jane" not in failure


def test_number_of_inserts_for_a_refused_batch_is_limited(refusing_table, opened, monkeypatch):
    monkeypatch.setattr(insert, "MAX_INSERTS", 20)
    delivery = opened(refusing_table).deliver([event(bad()) for _ in range(1000)])
    assert delivery.failed == 1000


def test_insert_body_is_compressed(clickhouse, opened):
    """The server would refuse a body that it cannot decompress."""
    statement = xapi()._replace(text=b"x" * 1_000_000)
    opened({**clickhouse.config, "create_tables": True}).deliver([event(statement)])
    ((length,),) = clickhouse.query("SELECT length(event) FROM openedx.xapi_events_all")
    assert length == "1000000"
    (insert,) = [query for query in clickhouse.queries() if query.startswith("INSERT") and "x" * 10 not in query][-1:]
    assert insert.endswith("FORMAT RowBinary")
