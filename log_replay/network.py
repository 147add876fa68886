"""Reasons of network errors, in our own words: the messages of HTTP libraries quote URLs, which can hold secrets."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InvalidHeader, ProtocolError
from urllib3.exceptions import TimeoutError as Urllib3Timeout
from urllib3.util import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response

UNKNOWN_HOST = "its host name is not known"
NO_TLS = "it does not use TLS"
UNTRUSTED = "its TLS certificate is not trusted"
#: In order of precedence: urllib3 reports a connection that is refused as a timeout, too.
_REASONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (socket.gaierror, UNKNOWN_HOST),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionError, "the connection broke"),
    ((TimeoutError, requests.Timeout, Urllib3Timeout), "no answer in time"),
    (ProtocolError, "the connection broke"),
)


def reason_of(error: BaseException) -> str:
    """Return why a request got no response."""
    causes = list(_causes(error))
    for types, reason in _REASONS:
        if any(isinstance(cause, types) for cause in causes):
            return reason
    if any("CERTIFICATE_VERIFY_FAILED" in str(cause) for cause in causes):
        return UNTRUSTED
    if any("WRONG_VERSION_NUMBER" in str(cause) for cause in causes):
        return NO_TLS
    return f"request failed ({type(error).__name__})"


def redirection_host(response: Response) -> str:
    """Return the host of the URL that a response redirects to."""
    try:
        return urlsplit(response.headers.get("Location", "")).hostname or "the same host"
    except ValueError:
        return "a malformed URL"


def retry_after_seconds(response: Response) -> float:
    """Return the delay that the ``Retry-After`` header of a response asks for; 0 without a valid header."""
    try:
        return float(Retry().parse_retry_after(response.headers.get("Retry-After", "")))
    except (InvalidHeader, ValueError, OverflowError):
        return 0


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
