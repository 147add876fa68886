"""Queries over the statements that runs have written."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command

from log_replay.errors import ConfigurationError
from log_replay.query.session import embedded_statements, file_statements, run_query
from log_replay.sinks import open_sink
from tests.support.clickhouse_tables import KEY
from tests.support.statement_batches import caliper, event, xapi

COURSE = "course-v1:OrchardU+LING110+2026_Spring"
BLOCK = "http://localhost:18000/xblock/block-v1:OrchardU+LING110+2026_Spring+type@problem+block@1"
STATEMENT = xapi(
    verb={"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered"}},
    object={"id": BLOCK, "definition": {"name": {"en-US": 'Käse, "Brot"'}}},
    context={"contextActivities": {"parent": [{"id": f"http://localhost:18000/course/{COURSE}"}]}},
)


@pytest.fixture
def files(tmp_path):
    """Files that runs wrote: xAPI in gzip, Caliper in zstd; and a file without statements."""
    out = tmp_path / "out, {1}"
    out.mkdir()
    for kind, statement, compression in (("xapi", STATEMENT, "gzip"), ("caliper", caliper(), "zstd")):
        place = {"key": str(tmp_path), "container": out.name, "compression": compression}
        sink = open_sink("LOCAL", place, transformer_type=kind, key=KEY)
        sink.deliver([event(statement)])
        sink.close(complete=True)
    (out / "notes.txt").write_text("no statements")
    return out


@pytest.fixture
def embedded(home):
    """The embedded database, with one statement of each kind, inserted twice."""
    for kind, statement in (("xapi", STATEMENT), ("caliper", caliper())):
        for _ in range(2):
            sink = open_sink("CLICKHOUSE", {"create_tables": True}, transformer_type=kind, key=KEY)
            sink.check()
            sink.deliver([event(statement)])
            sink.close(complete=True)
    return home


def query(sql, place, output_format="json"):
    with file_statements([str(place)]) if (place / "notes.txt").exists() else embedded_statements(None) as client:
        return run_query(client, sql, output_format)


@pytest.fixture(params=["files", "embedded"])
def place(request):
    return request.getfixturevalue(request.param)


def test_view_has_columns_for_the_parts_of_a_statement(place):
    found = json.loads(query("SELECT * FROM statements WHERE kind = 'xapi'", place))
    assert found == {
        "id": STATEMENT.id,
        "kind": "xapi",
        "time": "2026-03-02 08:15:27.913562",
        "actor": "32e08e30-f8ae-4ce2-94a8-c2bfe38a70cb",
        "verb": "answered",
        "object": BLOCK,
        "object_name": 'Käse, "Brot"',
        "course": COURSE,
        "org": "OrchardU",
        "event": STATEMENT.text.decode(),
    }


def test_view_contains_xapi_and_caliper_once_each(place):
    assert query("SELECT kind, count() AS n FROM statements GROUP BY kind ORDER BY kind", place).splitlines() == [
        b'{"kind":"caliper","n":1}',
        b'{"kind":"xapi","n":1}',
    ]


def test_result_formats_are_table_and_csv(files):
    sql = "SELECT kind, object_name FROM statements WHERE kind = 'xapi'"
    assert list(csv.reader(io.StringIO(query(sql, files, "csv").decode()))) == [
        ["kind", "object_name"],
        ["xapi", 'Käse, "Brot"'],
    ]
    assert "│ xapi │" in query(sql, files, "table").decode()


EVIL = "SELECT concat('a', char(27), '[31m', char(13), char(194, 155)) AS `x\\x1b[0m`"


def test_table_has_no_control_characters_of_statements(files):
    """Learners wrote the text in the statements, and a terminal would interpret it."""
    table = query(EVIL, files, "table").decode()
    assert r"a\x1b[31m\r\x9b" in table
    assert not any(char < " " or "\x7f" <= char < "\xa0" for char in table.replace("\n", ""))


def test_data_formats_are_not_escaped_for_terminals(files):
    assert b"\x1b[31m\r" in query(EVIL, files, "csv")
    assert json.loads(query(EVIL, files)) == {"x\x1b[0m": "a\x1b[31m\r\x9b"}


def test_error_that_quotes_data_has_no_control_characters(files):
    with pytest.raises(CommandError) as caught:
        call_command("query", "SELECT toInt8(concat(char(27), '[31m'))", "--files", str(files))
    assert str(caught.value).isprintable()


WRITING_QUERIES = [
    "INSERT INTO openedx.xapi_events_all SELECT * FROM openedx.xapi_events_all",
    "INSERT INTO FUNCTION file('{0}/written', 'CSV', 'a String') SELECT '1'",
    "SELECT 1 INTO OUTFILE '{0}/written'",
    "SHOW TABLES INTO OUTFILE '{0}/written'",
    "WITH 1 AS a SELECT a INTO OUTFILE '{0}/written' FORMAT CSV",
    "DROP TABLE openedx.xapi_events_all",
    "DROP VIEW statements",
    "TRUNCATE TABLE openedx.xapi_events_all",
    "ALTER TABLE openedx.xapi_events_all DELETE WHERE 1",
    "CREATE TABLE mine (a Int8) ENGINE Memory",
    "CREATE TEMPORARY TABLE mine (a Int8)",
    "RENAME TABLE openedx.xapi_events_all TO openedx.gone",
    "SELECT 1; DROP VIEW statements",
    "SELECT 1 /* ; */ ; DROP VIEW statements --",
    "SELECT 1) ; DROP VIEW statements -- (",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SYSTEM SHUTDOWN",
    "KILL QUERY WHERE 1",
    "",
]


@pytest.mark.parametrize("sql", WRITING_QUERIES)
def test_writing_queries_are_refused(embedded, tmp_path, sql):
    with embedded_statements(None) as client:
        with pytest.raises(ConfigurationError):
            run_query(client, sql.format(tmp_path), "json")
        assert run_query(client, "SELECT count() AS n FROM statements", "json") == b'{"n":2}\n'
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sql", [
    "SELECT 'x; INTO OUTFILE' AS `INTO OUTFILE`", "WITH 1 AS a SELECT a;", "SHOW TABLES", "DESCRIBE statements",
    "EXPLAIN SELECT 1", "(SELECT 1) UNION ALL (SELECT 2)", "SELECT 1 -- and a comment",
])  # fmt: skip
def test_reading_queries_are_allowed(embedded, sql):
    assert query(sql, embedded)


@pytest.mark.parametrize(("sql", "expected"), [
    ("SELEC 1", "Syntax error"), ("SELECT verbb FROM statements", "verbb"), ("SELECT 1 FORMAT CSV", "--format"),
])  # fmt: skip
def test_invalid_query_gives_a_one_line_error(files, sql, expected):
    with pytest.raises(CommandError) as caught:
        call_command("query", sql, "--files", str(files))
    assert caught.value.returncode == 2
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_error_in_a_file_names_the_file(tmp_path):
    damaged = tmp_path / "xapi.log.gz"
    damaged.write_bytes(b"no gzip")
    with pytest.raises(ConfigurationError) as caught, file_statements([str(damaged)]) as client:
        run_query(client, "SELECT count() FROM statements", "json")
    assert str(damaged) in str(caught.value)
    assert "/links/" not in str(caught.value)


@pytest.mark.parametrize(("sql", "expected"), [
    ("SELECT " + "x" * 10_000, "..."), ("SELECT '\udcff'", "it is not UTF-8"),
])  # fmt: skip
def test_error_of_a_strange_query_is_short(files, sql, expected):
    with pytest.raises(ConfigurationError) as caught:
        query(sql, files)
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 500


def test_missing_database_error_says_how_to_create_one(home):
    with pytest.raises(CommandError, match="--to clickhouse --create_tables"):
        call_command("query", "SELECT 1")
    assert not (home / "clickhouse").exists()


def test_missing_files_are_a_configuration_error(tmp_path):
    with pytest.raises(CommandError, match="no files match"):
        call_command("query", "SELECT 1", "--files", f"{tmp_path}/*.log")


def test_glob_patterns_and_row_files_are_read(files, capsysbinary):
    row = {"event_id": STATEMENT.id, "emission_time": STATEMENT.timestamp, "event": STATEMENT.text.decode()}
    (files / "deep").mkdir()
    (files / "deep" / "rows.log").write_text(json.dumps(row) + "\n\n")
    pattern = str(files).replace("{1}", "?1?") + "/**/*.log"
    call_command("query", "SELECT id FROM statements", "--files", pattern, "--format", "csv")
    assert capsysbinary.readouterr().out == b'"id"\n"' + STATEMENT.id.encode() + b'"\n'
