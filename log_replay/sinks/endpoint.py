"""One LRS or Caliper endpoint over HTTP: sends, insists, and understands the answers."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from log_replay import __version__
from log_replay.errors import DestinationLost, RefusedBatch
from log_replay.sinks.retries import Patience, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from requests import PreparedRequest, Response

    from log_replay.sinks.routes import Route

_XAPI_VERSION = "1.0.3"
_CONNECT_TIMEOUT_SECONDS = 10
_CHECK_TIMEOUT_SECONDS = (5, 10)
#: requests lets some errors of urllib3 and of the encoders below it pass.
_FOREIGN = (requests.RequestException, HTTPError, UnicodeError)
_RETRIED = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

#: Answers that mean that no batch can be delivered, and what to do about them.
_LOST: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "check the route's credentials",
    HTTPStatus.FORBIDDEN: "the route's credentials may not write statements",
    HTTPStatus.NOT_FOUND: "check the route's URL: nothing takes statements there",
}

#: Answers that mean that this batch was not taken, and why that can be.
_REFUSED: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "it holds a statement that is not valid there",
    HTTPStatus.CONFLICT: "a statement with the id of one of these and other content is already there",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "use a smaller --batch_size",
    HTTPStatus.UNPROCESSABLE_ENTITY: "it holds a statement that is not valid there",
}


class _Authorization(AuthBase):
    """Sends exactly the route's header; being there, it also keeps requests from looking into ``~/.netrc``."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request


class Endpoint:
    """Where a route's statements are posted.

    Args:
        route: the route.
        transformer_type: ``xapi`` or ``caliper``.
        timeout_seconds: how long to wait for an answer.
        patience: how often to try again.
    """

    def __init__(self, route: Route, *, transformer_type: str, timeout_seconds: float, patience: Patience) -> None:
        self.route = route
        self._is_xapi = transformer_type == "xapi"
        self._timeout_seconds = (_CONNECT_TIMEOUT_SECONDS, timeout_seconds)
        self._patience = patience
        self._session = requests.Session()
        self._session.auth = _Authorization(route.authorization)
        self._session.headers["User-Agent"] = f"log-replay/{__version__}"
        self._session.headers["Content-Type"] = "application/json"
        if self._is_xapi:
            self._session.headers["X-Experience-API-Version"] = _XAPI_VERSION
        self._session.headers.update(route.headers)

    def check(self) -> None:
        """Find out whether the route makes sense, its host answers, and does not object to its credentials.

        Sends no statement. A path that does not exist is no error: not every LRS has ``about``.

        Raises:
            ConfigurationError: not so.
        """
        self.route.check()
        try:
            response = self._session.request(
                "GET" if self._is_xapi else "HEAD",
                self._url("about"),
                timeout=_CHECK_TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
        except requests.ReadTimeout:
            return  # somebody is there; slow answers are what sending has its retries for
        except _FOREIGN as error:
            raise self.route.error(_reason(error), "is the LRS up, and the URL right?") from None
        response.close()
        # Gateways forbid methods that they do not know, so this says nothing of a Caliper endpoint's credentials.
        forbidden = response.status_code == HTTPStatus.FORBIDDEN and self._is_xapi
        if response.status_code == HTTPStatus.UNAUTHORIZED or forbidden:
            raise self.route.error(f"it answered {_status(response)}", "check the route's credentials")

    def send(self, texts: Sequence[bytes]) -> None:
        """Post statements as one JSON array and return when they are stored.

        Raises:
            RefusedBatch: the endpoint does not take this batch.
            DestinationLost: it can take nothing, or has not answered in all attempts.
        """
        body = b"[" + b",".join(texts) + b"]"
        try:
            response = self._patience.insist(lambda: self._post(body))
        except Unavailable as error:
            attempts = self._patience.retries + 1
            raise self._lost(f"{error} ({attempts} attempts)", "is it up, and not overloaded?") from None
        self._understand(response, len(texts))

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _url(self, resource: str) -> str:
        # As TinCan's RemoteLRS, which upstream sends with, makes it; a Caliper endpoint is the URL itself.
        if not self._is_xapi:
            return self.route.url
        return self.route.url + ("" if self.route.url.endswith("/") else "/") + resource

    def _post(self, body: bytes) -> Response:
        try:
            response = self._session.post(
                self._url("statements"), data=body, timeout=self._timeout_seconds, allow_redirects=False
            )
        except _FOREIGN as error:
            reason = _reason(error)
            if reason == _UNTRUSTED:
                raise self._lost(reason, "install its authority's certificate, or set REQUESTS_CA_BUNDLE") from None
            raise Unavailable(reason) from None
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRIED:
            raise Unavailable(f"it answered {_status(response)}", _retry_after_seconds(response))
        return response

    def _understand(self, response: Response, count: int) -> None:
        status = response.status_code
        if status < HTTPStatus.MULTIPLE_CHOICES:
            if self._is_xapi and response.content:
                self._understand_ids(response, count)
        elif status < HTTPStatus.BAD_REQUEST:
            raise self._lost(
                f"it answered {_status(response)}, a redirection to {_redirection_host(response)}",
                "set the route's URL to where it leads",
            )
        elif status in _LOST:
            raise self._lost(f"it answered {_status(response)}", _LOST[status])
        else:
            raise self._refused(f"it answered {_status(response)}", count, _REFUSED.get(status))

    def _understand_ids(self, response: Response, count: int) -> None:
        """An LRS answers with the ids that it stored; Ralph can be set to store some and report the others."""
        try:
            answer = orjson.loads(response.content)
        except ValueError:
            answer = None
        if isinstance(answer, list) or (isinstance(answer, dict) and answer.get("rejected") == 0):
            return
        if isinstance(answer, dict) and "rejected" in answer:
            raise self._refused(
                "it stored only some", count, "switch off its partial success (RALPH_LRS_PARTIAL_SUCCESS_DEFAULT)"
            )
        raise self._lost(f"it answered {_status(response)}, but not as an LRS does", "check the route's URL")

    def _refused(self, reason: str, count: int, hint: str | None) -> RefusedBatch:
        return RefusedBatch(
            f"{reason} to a batch of {count} statements", operation="send", object=self.route.shown, hint=hint
        )

    def _lost(self, reason: str, hint: str) -> DestinationLost:
        return DestinationLost(reason, operation="send", object=self.route.shown, hint=hint)


_UNTRUSTED = "its TLS certificate is not trusted"


def _reason(error: BaseException) -> str:
    """Return why there was no answer, in words of our own: requests' quote URLs, with what is secret in them."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "its host name is not known"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ConnectionError) and not isinstance(cause, requests.RequestException):
            return "the connection broke"
        if "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return _UNTRUSTED
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _status(response: Response) -> str:
    # Not the server's own phrase, which could say anything.
    try:
        return f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
    except ValueError:
        return str(response.status_code)


def _redirection_host(response: Response) -> str:
    try:
        return urlsplit(response.headers.get("Location", "")).hostname or "the same host"
    except ValueError:
        return "nowhere"


def _retry_after_seconds(response: Response) -> float:
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return 0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
