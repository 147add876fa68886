"""Runs into ClickHouse, as an operator starts them."""

from __future__ import annotations

import json

import chdb
import pytest

from tests.support.runs import Shell, logs, shell, source

__all__ = ["logs", "shell", "source"]

XAPI = ["transform_tracking_logs", "--transformer_type", "xapi"]
EMBEDDED = ["--destination_provider", "CLICKHOUSE"]


@pytest.fixture
def own_shell(shell, tmp_path):
    """A state folder of the test's own: nothing is in its embedded ClickHouse."""
    own = Shell(tmp_path / "home")
    assert own("load_identities", "sample").returncode == 0
    return own


def embedded(shell: Shell, sql: str) -> list[list[str]]:
    connection = chdb.connect(f"{shell.environment['LOG_REPLAY_HOME']}/clickhouse")
    try:
        return [line.split("\t") for line in connection.query(sql, "TSV").bytes().decode().splitlines()]
    finally:
        connection.close()


def summary_of(shell: Shell, path, *arguments: str) -> dict:
    done = shell(*arguments, "--summary", str(path))
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text())["total"]


def test_the_embedded_default_holds_every_statement_once_however_often_it_is_replayed(own_shell, source, tmp_path):
    for arguments in (["--create_tables"], [], ["--batch_size", "50"]):
        total = summary_of(own_shell, tmp_path / "summary", *XAPI, *source, *EMBEDDED, *arguments)
        assert total["delivered"] == total["statements"] > 200
        ((count,),) = embedded(own_shell, "SELECT count() FROM openedx.xapi_events_all FINAL")
        assert int(count) == total["statements"]


def test_a_missing_table_is_wrong_usage(own_shell, source):
    done = own_shell(*XAPI, *source, *EMBEDDED)
    assert done.returncode == 2
    assert b"--create_tables" in done.stderr


def test_a_dry_run_creates_nothing(own_shell, source, tmp_path):
    done = own_shell(*XAPI, *source, *EMBEDDED, "--create_tables", "--dry_run", "--log_to", "null")
    assert done.returncode == 0
    assert not (tmp_path / "home" / "clickhouse").exists()


def test_a_server_that_goes_away_stops_the_run_and_another_one_completes_it(own_shell, clickhouse, source, tmp_path):
    config = json.dumps({**clickhouse.config, "password": "${CLICKHOUSE_PASSWORD}"})
    own_shell.environment["CLICKHOUSE_PASSWORD"] = clickhouse.password
    arguments = [*XAPI, *source, *EMBEDDED, "--destination_config", config, "--create_tables", "--batch_size", "50"]
    check, first_batch = {"query": "INSERT"}, {"query": "INSERT"}
    clickhouse.inject(check, first_batch, {"query": "INSERT", "code": 516})
    stopped = own_shell(*arguments)
    assert stopped.returncode == 1
    assert clickhouse.password.encode() not in stopped.stderr
    total = summary_of(own_shell, tmp_path / "summary", *arguments)
    assert clickhouse.query("SELECT count() FROM openedx.xapi_events_all FINAL") == [[str(total["statements"])]]
