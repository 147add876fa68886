"""A database given by LOG_REPLAY_DATABASE_URL is only read, except with ``--add_external_ids yes``."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.support.paths import ROOT
from tests.support.runs import Shell, logs, sample_shell, source

__all__ = ["logs", "source"]

XAPI = ["--transformer_type", "xapi"]


@pytest.fixture(scope="module")
def lms_file(tmp_path_factory):
    """The sample's LMS database, in which one user lacks an external id, and one type of them is missing."""
    home = tmp_path_factory.mktemp("lms")
    sample_shell(home).close()
    file = home / "log-replay.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute("DELETE FROM external_user_ids_externalid WHERE user_id = 5")
        database.execute("DELETE FROM external_user_ids_externalidtype WHERE name = 'lti'")
        database.commit()
    return file


@pytest.fixture
def lms(lms_file, tmp_path):
    """A copy of that database, outside the state folder."""
    return shutil.copy(lms_file, tmp_path / "lms.sqlite3")


@pytest.fixture
def log_replay(lms, tmp_path):
    """``log-replay`` with an empty state folder and that database, which refuses every write."""
    shell = Shell(tmp_path / "home")
    shell.environment |= {
        "DJANGO_SETTINGS_MODULE": "tests.support.refusing_lms_settings",
        "LOG_REPLAY_DATABASE_URL": f"sqlite:///{lms}",
        "LOG_REPLAY_LMS_ROOT_URL": "http://localhost:18000",
        "PYTHONPATH": str(ROOT),
    }
    return shell


@pytest.fixture
def attempts(lms):
    """Return the writes that were attempted in that database."""
    return lambda: (
        lms.with_name(f"{lms.name}.writes").read_text() if lms.with_name(f"{lms.name}.writes").exists() else ""
    )


@pytest.fixture
def files(tmp_path):
    """The arguments that name a folder as the destination."""
    (tmp_path / "out").mkdir()
    return [
        "--destination_provider",
        "LOCAL",
        "--destination_config",
        json.dumps({"key": str(tmp_path), "container": "out"}),
    ]


def commands(source, files):
    """Return each command that may use the database, with its exit code."""
    replay = ["transform_tracking_logs", *source, *XAPI]
    return {
        "plan": ([*replay, *files, "--plan"], 0),
        "files": ([*replay, *files], 0),
        "workers": ([*replay, *files, "--workers", "2"], 0),
        "caliper": (["transform_tracking_logs", *source, *files, "--transformer_type", "caliper"], 0),
        "dry run": ([*replay, *files, "--dry_run"], 0),
        "no external ids": ([*replay, *files, "--add_external_ids", "no"], 0),
        "LRS without routes": ([*replay, "--destination_provider", "LRS"], 2),
        "runs": (["replay_runs", "list"], 0),
        "load": (["load_identities", "sample"], 2),
        "users": (["dump_data_to_clickhouse", "--object", "external_id"], 0),
        "courses": (["dump_data_to_clickhouse", "--object", "course_overviews"], 2),
    }


@pytest.mark.parametrize("name", commands([], []))
def test_commands_do_not_write_to_the_given_database(name, log_replay, lms, attempts, source, files):
    before = lms.read_bytes()
    command, code = commands(source, files)[name]
    done = log_replay(*command)
    assert attempts() == ""
    assert lms.read_bytes() == before
    assert b"Traceback" not in done.stderr
    assert done.returncode == code, done.stderr


def test_gaps_and_query_do_not_write_to_the_given_database(log_replay, attempts, source):
    embedded = ["--destination_provider", "CLICKHOUSE", "--destination_config", "{}", "--create_tables"]
    for command in (
        ["transform_tracking_logs", *source, *XAPI, *embedded],
        ["replay_gaps", *source, *XAPI],
        ["query", "SELECT count() FROM statements"],
    ):
        done = log_replay(*command)
        assert done.returncode == 0, done.stderr
    assert attempts() == ""


def test_adding_external_ids_writes_to_the_given_database(log_replay, attempts, source, files):
    done = log_replay("transform_tracking_logs", *source, *XAPI, *files, "--add_external_ids", "yes")
    assert "external_user_ids_externalid" in attempts()
    assert b"cannot add external ids" in done.stderr
    assert b"Traceback" not in done.stderr
