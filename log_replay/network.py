"""Why a request failed, in words of our own: those of requests quote URLs, with what is secret in them."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ProtocolError, ReadTimeoutError

if TYPE_CHECKING:
    from requests import Response

UNTRUSTED = "its TLS certificate is not trusted"


def reason_of(error: BaseException) -> str:
    """Return why there was no answer."""
    cause: BaseException | None = error
    while cause is not None:
        # An answer that ceases in its middle is another error to requests.
        if isinstance(cause, requests.Timeout | ReadTimeoutError):
            return "no answer in time"
        if isinstance(cause, socket.gaierror):
            return "its host name is not known"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ConnectionError | ProtocolError) and not isinstance(cause, requests.RequestException):
            return "the connection broke"
        if "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return UNTRUSTED
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def redirection_host(response: Response) -> str:
    """Return the host that an answer redirects to."""
    try:
        return urlsplit(response.headers.get("Location", "")).hostname or "the same host"
    except ValueError:
        return "nowhere"


def retry_after_seconds(response: Response) -> float:
    """Return how long the answer asks to wait."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return 0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
