"""Whole runs into ClickHouse."""

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
    """A shell with a new state folder and an empty embedded ClickHouse."""
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


def test_embedded_clickhouse_has_no_duplicates_after_replays(own_shell, source, tmp_path):
    for arguments in (["--create_tables"], [], ["--batch_size", "50"]):
        total = summary_of(own_shell, tmp_path / "summary", *XAPI, *source, *EMBEDDED, *arguments)
        assert total["delivered"] == total["statements"] > 200
        ((count,),) = embedded(own_shell, "SELECT count() FROM openedx.xapi_events_all FINAL")
        assert int(count) == total["statements"]


def test_missing_table_is_a_usage_error(own_shell, source):
    done = own_shell(*XAPI, *source, *EMBEDDED)
    assert done.returncode == 2
    assert b"--create_tables" in done.stderr


def test_dry_run_creates_no_table(own_shell, source, tmp_path):
    done = own_shell(*XAPI, *source, *EMBEDDED, "--create_tables", "--dry_run", "--log_to", "null")
    assert done.returncode == 0
    assert not (tmp_path / "home" / "clickhouse").exists()


def test_failed_server_stops_the_run_and_the_next_completes_it(own_shell, clickhouse, source, tmp_path):
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
