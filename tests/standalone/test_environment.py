"""Wrong environment variables and unusable databases: one line on stderr and exit code 2."""

from __future__ import annotations

import resource
import stat
import sys
from types import ModuleType

import pytest

from log_replay.errors import ConfigurationError
from log_replay.standalone.checks import check_environment, check_root_url
from log_replay.standalone.database_url import read_database_url
from tests.support.runs import Shell, logs, source

__all__ = ["logs", "source"]

REPLAY = ["transform_tracking_logs", "--transformer_type", "xapi", "--log_to", "null", "--dry_run"]
ROOT_URL = {"LOG_REPLAY_LMS_ROOT_URL": "https://lms.example.com"}


@pytest.fixture
def log_replay(tmp_path, source):
    """Run a command with these variables; return its exit code and the lines on stderr."""

    def run(*command, **environment):
        shell = Shell(tmp_path / "home")
        shell.environment |= environment
        done = shell(*(command or [*REPLAY, *source]))
        return done.returncode, done.stderr.decode().splitlines(), done.stdout

    return run


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("secret", "unknown scheme 'secret'"),
        ("mysql://u:secret@h:port/db", "malformed URL"),
        ("mysql://u:sec/ret@h/db", "malformed URL"),
        ("se cret://h/db", "malformed URL"),
        ("mysql://u:secret@h", "no name of a database"),
        ("mssql://u:secret@h/db", "the driver for pyodbc is not installed"),
    ],
)
def test_a_wrong_database_url_is_named_without_its_password(url, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_database_url(url)
    assert "u:" not in str(caught.value)


def test_a_missing_driver_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    monkeypatch.delitem(sys.modules, "django.db.backends.mysql.base", raising=False)
    with pytest.raises(ConfigurationError, match=r"pip install 'openedx-log-replay\[mysql\]'"):
        read_database_url("mysql://u:secret@h/db")


@pytest.mark.parametrize(("options", "seconds"), [("", 10), ("?connect_timeout=3", 3)])
def test_a_server_has_ten_seconds_to_accept_a_connection(monkeypatch, options, seconds):
    monkeypatch.setitem(sys.modules, "django.db.backends.mysql.base", ModuleType("base"))
    assert read_database_url(f"mysql://u:p@h/db{options}")["OPTIONS"] == {"connect_timeout": seconds}


def test_a_missing_sqlite_file_is_not_created(tmp_path):
    with pytest.raises(ConfigurationError, match=r"lms\.sqlite3: no such file"):
        read_database_url(f"sqlite:///{tmp_path}/lms.sqlite3")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url", ["lms.example.com", "lms.example.com/", "ftp://lms", "https://", "http://[", "http://a b"]
)
def test_a_root_url_that_is_no_url_is_refused(monkeypatch, url):
    monkeypatch.setenv("LOG_REPLAY_LMS_ROOT_URL", url)
    with pytest.raises(ConfigurationError, match="set it to the LMS's LMS_ROOT_URL"):
        check_environment()


@pytest.mark.parametrize("name", ["", "external_id", "mbox", "mbox_sha1sum"])
def test_known_types_of_actors_are_accepted(monkeypatch, name):
    monkeypatch.setenv("LOG_REPLAY_XAPI_AGENT_IFI_TYPE", name)
    check_environment()


def test_an_unknown_type_of_actors_is_refused(monkeypatch):
    monkeypatch.setenv("LOG_REPLAY_XAPI_AGENT_IFI_TYPE", "email")
    with pytest.raises(ConfigurationError, match="'email' is none of external_id, mbox, mbox_sha1sum"):
        check_environment()


def test_a_database_without_a_root_url_is_refused(monkeypatch):
    monkeypatch.setenv("LOG_REPLAY_DATABASE_URL", "sqlite://")
    monkeypatch.delenv("LOG_REPLAY_LMS_ROOT_URL", raising=False)
    with pytest.raises(ConfigurationError, match="LOG_REPLAY_LMS_ROOT_URL is not"):
        check_root_url()


@pytest.mark.parametrize(
    "wrong",
    [
        {"LOG_REPLAY_DATABASE_URL": "nonsense"},
        {"LOG_REPLAY_XAPI_AGENT_IFI_TYPE": "email"},
        {"LOG_REPLAY_LMS_ROOT_URL": "lms"},
    ],
)
def test_a_wrong_variable_is_one_line_and_help_still_works(log_replay, wrong):
    code, lines, _ = log_replay(**wrong)
    assert (code, len(lines)) == (2, 1)
    assert next(iter(wrong)) in lines[0]
    code, lines, out = log_replay("transform_tracking_logs", "--help", **wrong)
    assert (code, lines) == (0, [])
    assert b"Examples" in out


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no such table: external_user_ids_externalidtype"), (b"x" * 5000, "the file is not a SQLite database")],
)
def test_an_unusable_lms_database_is_one_line(log_replay, tmp_path, content, message):
    file = tmp_path / "lms.sqlite3"
    file.write_bytes(content)
    code, lines, _ = log_replay(LOG_REPLAY_DATABASE_URL=f"sqlite:///{file}", **ROOT_URL)
    assert (code, len(lines)) == (2, 1)
    assert message in lines[0]


def test_the_ledger_can_be_read_without_the_lms_database(log_replay, tmp_path):
    file = tmp_path / "lms.sqlite3"
    file.write_bytes(b"x" * 5000)
    assert log_replay("replay_runs", "list", LOG_REPLAY_DATABASE_URL=f"sqlite:///{file}")[0] == 0


def test_a_damaged_embedded_database_is_one_line(log_replay, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "log-replay.sqlite3").write_bytes(b"x" * 5000)
    code, lines, _ = log_replay("replay_runs", "list")
    assert (code, len(lines)) == (2, 1)
    assert "the file is not a SQLite database" in lines[0]


def test_a_full_state_folder_is_one_line(log_replay):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        code, lines, _ = log_replay("replay_runs", "list", PYTHONDONTWRITEBYTECODE="1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (code, len(lines)) == (2, 1)
    assert "full" in lines[0]


def test_the_embedded_database_is_private(log_replay, tmp_path):
    assert log_replay("replay_runs", "list")[0] == 0
    assert stat.S_IMODE((tmp_path / "home" / "log-replay.sqlite3").stat().st_mode) == 0o600


def test_first_runs_may_start_together(tmp_path):
    shell = Shell(tmp_path / "home")
    runs = [shell.start("replay_runs", "list") for _ in range(4)]
    assert [(run.communicate()[1], run.returncode) for run in runs] == [(b"", 0)] * 4
