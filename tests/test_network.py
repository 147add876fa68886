"""Reasons of network errors and the delay that a response asks for."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
from urllib3.exceptions import NewConnectionError, ProtocolError, ReadTimeoutError

from log_replay.network import UNTRUSTED, reason_of, redirection_host, retry_after_seconds

SECRET_URL = "https://user:hunter2@lrs.example.com/xAPI?token=t0ken"


def caused(error: Exception, *causes: Exception) -> Exception:
    """Return an error with a chain of causes."""
    current = error
    for cause in causes:
        current.__cause__ = cause
        current = cause
    return error


def request_error(*causes: Exception) -> Exception:
    return caused(requests.ConnectionError(SECRET_URL), *causes)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (request_error(NewConnectionError(None, ""), socket.gaierror(8, "unknown")), "its host name is not known"),
        (request_error(NewConnectionError(None, ""), ConnectionRefusedError()), "connection refused"),
        (request_error(ProtocolError(), ConnectionResetError()), "the connection broke"),
        (request_error(ProtocolError("IncompleteRead")), "the connection broke"),
        (request_error(ReadTimeoutError(None, None, "")), "no answer in time"),
        (requests.ConnectTimeout(), "no answer in time"),
        (TimeoutError(), "no answer in time"),
        (request_error(OSError("[SSL: CERTIFICATE_VERIFY_FAILED]")), UNTRUSTED),
        (request_error(), "request failed (ConnectionError)"),
    ],
)
def test_reason_of_a_network_error(error, reason):
    assert reason_of(error) == reason


def response_with(**headers: str) -> requests.Response:
    response = requests.Response()
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), (" 7 ", 7), ("", 0), ("soon", 0), ("-3", 0), ("9" * 5000, 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_retry_after(value, seconds):
    assert retry_after_seconds(response_with(Retry_After=value)) == seconds


def test_retry_after_a_date():
    moment = datetime.now(UTC) + timedelta(hours=1)
    assert 3500 < retry_after_seconds(response_with(Retry_After=format_datetime(moment, usegmt=True))) <= 3600


def test_no_retry_after_header():
    assert retry_after_seconds(response_with()) == 0


@pytest.mark.parametrize(
    ("location", "host"),
    [(SECRET_URL, "lrs.example.com"), ("/elsewhere", "the same host"), ("http://[", "a malformed URL")],
)
def test_redirection_host_contains_no_secret(location, host):
    assert redirection_host(response_with(Location=location)) == host
