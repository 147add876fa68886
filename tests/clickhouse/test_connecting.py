"""Getting in touch with ClickHouse, and what its errors mean."""

from __future__ import annotations

import socket
import sys

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, ProgrammingError
from urllib3.exceptions import ReadTimeoutError

from log_replay.clickhouse import connect
from log_replay.clickhouse.connection import shown_place
from log_replay.clickhouse.errors import Kind, hint, kind, reason
from log_replay.errors import ConfigurationError

LEARNER = "Jane Doe <jane@example.com>"


def answered(text: str, code: int | None = None) -> DatabaseError:
    return DatabaseError(f"HTTP driver received {text}, server response: {LEARNER} (for url http://u:pw@h)", code=code)


def network(cause: Exception) -> OperationalError:
    error = OperationalError(f"Error executing HTTP request ({LEARNER})")
    error.__cause__ = cause
    return error


MEANINGS = {
    "too many parts": (answered("x", 252), Kind.PASSING, "252 (TOO_MANY_PARTS)"),
    "memory": (answered("x", 241), Kind.PASSING, "241"),
    "wrong password": (answered("x", 516), Kind.LOST, "516"),
    "old server": (DatabaseError("HTTP status 401, server response: Code: 193, e.what()"), Kind.LOST, "193"),
    "unknown code": (answered("x", 9999), Kind.REFUSED, "9999"),
    "a proxy's 502": (answered("HTTP status 502"), Kind.PASSING, "502"),
    "a proxy's 429": (answered("HTTP status 429"), Kind.PASSING, "429"),
    "a proxy's 403": (answered("HTTP status 403"), Kind.LOST, "403"),
    "a proxy's 413": (answered("HTTP status 413"), Kind.REFUSED, "413"),
    "refused": (network(ConnectionRefusedError()), Kind.PASSING, "connection refused"),
    "broken": (network(ConnectionResetError()), Kind.PASSING, "the connection broke"),
    "slow": (network(ReadTimeoutError(None, None, "")), Kind.PASSING, "no answer in time"),  # type: ignore[arg-type]
    "no such host": (network(socket.gaierror()), Kind.PASSING, "host name"),
    "certificate": (network(OSError("CERTIFICATE_VERIFY_FAILED")), Kind.LOST, "certificate"),
    "misuse": (ProgrammingError(LEARNER), Kind.LOST, "ProgrammingError"),
}


@pytest.mark.parametrize(("error", "meaning", "said"), MEANINGS.values(), ids=MEANINGS)
def test_an_error_s_meaning_is_known_and_nothing_of_a_row_or_url_is_repeated(error, meaning, said):
    assert kind(error) is meaning
    assert said in reason(error)
    for secret in ("Jane", "pw@"):
        assert secret not in reason(error)
        assert secret not in (hint(error) or "")


@pytest.mark.parametrize(("module", "config", "extra"), [
    ("chdb", {}, "embedded"), ("clickhouse_connect", {"url": "http://127.0.0.1:1"}, "clickhouse"),
])  # fmt: skip
def test_what_is_not_installed_is_named(monkeypatch, module, config, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=rf"{module} is not installed .*openedx-log-replay\[{extra}\]"):
        connect(config)


def test_one_process_can_open_one_embedded_database_at_a_time(tmp_path):
    with connect({"path": str(tmp_path / "one")}), pytest.raises(ConfigurationError, match="can have only one"):
        connect({"path": str(tmp_path / "two")})
    connect({"path": str(tmp_path / "two")}).close()


def test_the_default_lies_in_the_state_folder(home):
    connect({}).close()
    assert (home / "clickhouse").is_dir()
    assert (home / "clickhouse").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("config", [{"path": ""}, {"path": 5}, {"path": "a\0b"}, {"path": "/proc/nowhere"}])
def test_a_path_that_is_none_is_wrong(config):
    with pytest.raises(ConfigurationError):
        connect(config)


def test_a_place_is_shown_without_what_may_be_secret():
    assert shown_place({"url": "https://user:hunter2@ch:8443/in?token=x"}) == "https://ch:8443/in"
    assert shown_place({"url": "http://[::1"}) == "a malformed URL"
