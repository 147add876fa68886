"""Connecting to ClickHouse, and the meaning of its errors."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, ProgrammingError
from urllib3.exceptions import ReadTimeoutError

from log_replay.clickhouse.clients import connect, shown_place
from log_replay.clickhouse.error_kinds import ErrorKind, error_hint, error_kind, error_reason
from log_replay.errors import ConfigurationError

LEARNER = "Jane Doe <jane@example.com>"


def response_error(text: str, code: int | None = None) -> DatabaseError:
    return DatabaseError(f"HTTP driver received {text}, server response: {LEARNER} (for url http://u:pw@h)", code=code)


def network_error(cause: Exception) -> OperationalError:
    error = OperationalError(f"Error executing HTTP request ({LEARNER})")
    error.__cause__ = cause
    return error


ERRORS = {
    "too many parts": (response_error("x", 252), ErrorKind.TEMPORARY, "252 (TOO_MANY_PARTS)"),
    "memory": (response_error("x", 241), ErrorKind.TEMPORARY, "241"),
    "wrong password": (response_error("x", 516), ErrorKind.UNAVAILABLE, "516"),
    "old server": (
        DatabaseError("HTTP status 401, server response: Code: 193, e.what()"),
        ErrorKind.UNAVAILABLE,
        "193",
    ),
    "unknown code": (response_error("x", 9999), ErrorKind.REFUSED, "9999"),
    "a proxy's 502": (response_error("HTTP status 502"), ErrorKind.TEMPORARY, "502"),
    "a proxy's 429": (response_error("HTTP status 429"), ErrorKind.TEMPORARY, "429"),
    "a proxy's 403": (response_error("HTTP status 403"), ErrorKind.UNAVAILABLE, "403"),
    "a proxy's 413": (response_error("HTTP status 413"), ErrorKind.REFUSED, "413"),
    "refused": (network_error(ConnectionRefusedError()), ErrorKind.TEMPORARY, "connection refused"),
    "broken": (network_error(ConnectionResetError()), ErrorKind.TEMPORARY, "the connection broke"),
    "slow": (network_error(ReadTimeoutError(None, None, "")), ErrorKind.TEMPORARY, "no answer in time"),  # type: ignore[arg-type]
    "no such host": (network_error(socket.gaierror()), ErrorKind.TEMPORARY, "host name"),
    "certificate": (network_error(OSError("CERTIFICATE_VERIFY_FAILED")), ErrorKind.UNAVAILABLE, "certificate"),
    "misuse": (ProgrammingError(LEARNER), ErrorKind.UNAVAILABLE, "ProgrammingError"),
}


@pytest.mark.parametrize(("error", "meaning", "expected"), ERRORS.values(), ids=ERRORS)
def test_reasons_and_hints_contain_no_row_and_no_url(error, meaning, expected):
    assert error_kind(error) is meaning
    assert expected in error_reason(error)
    for secret in ("Jane", "pw@"):
        assert secret not in error_reason(error)
        assert secret not in (error_hint(error) or "")


HINTS = {
    "refused": (network_error(ConnectionRefusedError()), "is running"),
    "no such host": (network_error(socket.gaierror()), "host name in url"),
    "certificate": (network_error(OSError("CERTIFICATE_VERIFY_FAILED")), "ca_cert"),
    "plain HTTP": (network_error(OSError("[SSL: WRONG_VERSION_NUMBER] wrong version number")), "http://"),
    "wrong password": (response_error("x", 516), "username and password"),
    "too many parts": (response_error("x", 252), "--batch_size"),
    "another server": (response_error("HTTP status 404"), "url"),
}


@pytest.mark.parametrize(("error", "expected"), HINTS.values(), ids=HINTS)
def test_hint_fits_the_cause(error, expected):
    assert expected in error_hint(error)


@pytest.mark.parametrize("url", ["http://h/?user=x", "http://h/#x", "ftp://h", "http://", "h:8123", 5])
def test_url_of_another_form_is_refused(url):
    with pytest.raises(ConfigurationError, match="url must be the URL"):
        connect({"url": url})


@pytest.mark.parametrize(("name", "value"), [
    ("username", 5), ("password", ["x"]), ("verify", "no"), ("ca_cert", 5), ("ca_cert", "/nowhere/ca.pem"),
    ("timeout_seconds", "3"), ("timeout_seconds", 0),
])  # fmt: skip
def test_value_of_a_wrong_type_is_refused(name, value):
    with pytest.raises(ConfigurationError, match=name):
        connect({"url": "http://127.0.0.1:1", name: value})


@pytest.mark.parametrize(("module", "config", "extra"), [
    ("chdb", {}, "embedded"), ("clickhouse_connect", {"url": "http://127.0.0.1:1"}, "clickhouse"),
])  # fmt: skip
def test_missing_package_is_named(monkeypatch, module, config, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=rf"{module} is not installed .*openedx-log-replay\[{extra}\]"):
        connect(config)


def test_process_opens_one_embedded_database_at_a_time(tmp_path):
    with connect({"path": str(tmp_path / "one")}), pytest.raises(ConfigurationError, match="can have only one"):
        connect({"path": str(tmp_path / "two")})
    connect({"path": str(tmp_path / "two")}).close()


FEW_FILES = """
import resource, sys
from log_replay.clickhouse.clients import connect
import chdb, clickhouse_connect
from django.conf import settings
settings.configure()
resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
try:
    connect({"path": sys.argv[1]})
except Exception as error:
    print(type(error).__name__, error)
"""


def test_embedded_engine_without_file_descriptors_says_why(tmp_path):
    command = [sys.executable, "-c", FEW_FILES, str(tmp_path / "clickhouse")]
    output = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100).stdout
    assert output.startswith("ConfigurationError connect to ClickHouse")
    assert "Too many open files" in output


def test_default_database_is_in_the_state_folder(home):
    connect({}).close()
    assert (home / "clickhouse").is_dir()
    assert (home / "clickhouse").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("config", [{"path": ""}, {"path": 5}, {"path": "a\0b"}, {"path": "/proc/nowhere"}])
def test_invalid_path_is_a_configuration_error(config):
    with pytest.raises(ConfigurationError):
        connect(config)


def test_shown_place_contains_no_credentials():
    assert shown_place({"url": "https://user:hunter2@ch:8443/in?token=x"}) == "https://ch:8443/in"
    assert shown_place({"url": "http://[::1"}) == "a malformed URL"
