"""The ledger in the database of LOG_REPLAY_LEDGER_URL, which several machines share."""

from __future__ import annotations

import pytest

from tests.support.mariadb_server import mariadb_server
from tests.support.runs import Shell, logs, source

__all__ = ["logs", "source"]


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory):
    with mariadb_server(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture
def machine(mariadb, tmp_path):
    """Return a function that starts a command on a machine: with a state folder of its own and the shared ledger."""
    mariadb.query("DROP DATABASE IF EXISTS ledger; CREATE DATABASE ledger CHARACTER SET utf8mb4")

    def start(name, *command):
        shell = Shell(tmp_path / name)
        shell.environment["LOG_REPLAY_LEDGER_URL"] = mariadb.url("ledger")
        return shell.start(*command)

    return start


def test_machines_share_a_ledger_and_create_it_once(machine, source, tmp_path):
    (tmp_path / "out").mkdir()
    destination = ["--destination_provider", "LOCAL", "--destination_config"]
    runs = {
        name: machine(
            name, "replay_tracking_logs", "--transformer_type", "xapi", *source, "--run", name,
            *destination, f'{{"key": "{tmp_path}", "container": "out", "prefix": "{name}"}}',
        )
        for name in ("first", "second", "third")
    }  # fmt: skip
    errors = {name: process.communicate()[1].decode() for name, process in runs.items()}
    assert {name: process.returncode for name, process in runs.items()} == dict.fromkeys(runs, 0), errors
    listed, _ = machine("fourth", "replay_runs", "list").communicate()
    assert sorted(line.split()[0] for line in listed.decode().splitlines()) == ["first", "second", "third"]


def test_a_wrong_ledger_url_is_one_line_without_the_password(tmp_path, source):
    shell = Shell(tmp_path / "home")
    shell.environment["LOG_REPLAY_LEDGER_URL"] = "mysql://root:hunter3@127.0.0.1:9/ledger"
    done = shell("replay_runs", "list")
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, len(lines)) == (2, 1)
    assert "check LOG_REPLAY_LEDGER_URL" in lines[0]
    assert "hunter3" not in lines[0]
