"""One LRS or Caliper endpoint over HTTP: sends at a pace that it can keep up with, insists, and hands back answers."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import requests
import structlog
import urllib3
from urllib3.exceptions import HTTPError

from log_replay import __version__
from log_replay.errors import DestinationNotResponding, DestinationUnavailable
from log_replay.network import UNTRUSTED, reason_of, redirection_host, retry_after_seconds
from log_replay.retry import TemporaryError
from log_replay.sinks.lrs.http.connections import Connections
from log_replay.sinks.lrs.http.rate_limiter import RateLimiter
from log_replay.sinks.lrs.responses import LOST, RETRIED, LrsResponse, shown_status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from requests import Response

    from log_replay.retry import RetryPolicy
    from log_replay.sinks.lrs.routes import Route
    from log_replay.sinks.lrs.settings import LrsSettings
    from log_replay.sinks.lrs.threads import Threads

T = TypeVar("T")

log = structlog.get_logger(__name__)

_XAPI_VERSION = "1.0.3"
_CONNECT_TIMEOUT_SECONDS = 10
_CHECK_TIMEOUT_SECONDS = (5, 10)
#: A whole request may take so many times as long as the server may be silent.
_WHOLE_REQUEST = 10
#: requests lets some errors of urllib3 and of the encoders below it pass.
_FOREIGN = (requests.RequestException, HTTPError, UnicodeError)
#: These say nothing of whether a compressed body is understood.
_SAYS_NOTHING_OF_COMPRESSION = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, *LOST}) - {
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE
}


class Endpoint:
    """Where a route's statements are posted, by several threads if need be.

    Args:
        route: the route.
        transformer_type: ``xapi`` or ``caliper``.
        settings: how to send.
        retry_policy: how often to try again.
        lanes: where to rest.

    Attributes:
        insists: whether what fails is tried again; what was lost is not asked twice whether it is back.
    """

    def __init__(
        self, route: Route, *, transformer_type: str, settings: LrsSettings, retry_policy: RetryPolicy, lanes: Threads
    ) -> None:
        self.route = route
        self.insists = True
        self.pace = RateLimiter(settings.max_rate)
        self._is_xapi = transformer_type == "xapi"
        self._timeout_seconds = (_CONNECT_TIMEOUT_SECONDS, settings.timeout_seconds)
        self._verify = settings.verify
        self._retry_policy = retry_policy
        self._lanes = lanes
        self._compresses = settings.compression is not None
        self._compression_is_understood: bool | None = None
        self._connections = Connections(
            self._headers(),
            route.authorization,
            verify=settings.verify,
            longest_seconds=_WHOLE_REQUEST * settings.timeout_seconds,
        )

    def check(self) -> None:
        """Find out whether the route makes sense, its host answers, and does not object to its credentials.

        Sends no statement. A path that does not exist is no error: not every LRS has ``about``.

        Raises:
            ConfigurationError: it makes no sense, or its credentials are wrong.
            DestinationNotResponding: nobody answers.
        """
        self.route.check()
        if self._verify is False:
            log.warning(
                "TLS certificates are not verified: anybody on the way can read and alter", route=self.route.shown
            )
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        method = "GET" if self._is_xapi else "HEAD"
        try:
            answer = self._connections.request(method, self._url("about"), timeout_seconds=_CHECK_TIMEOUT_SECONDS)
        except requests.ReadTimeout:
            return  # somebody is there; slow answers are what sending has its retries for
        except (*_FOREIGN, OSError) as error:
            raise self._down(reason_of(error), "is the LRS up, and the URL right?") from None
        # Gateways forbid methods that they do not know, so this says nothing of a Caliper endpoint's credentials.
        forbidden = answer.status_code == HTTPStatus.FORBIDDEN and self._is_xapi
        if answer.status_code == HTTPStatus.UNAUTHORIZED or forbidden:
            raise self.route.error(f"it answered {shown_status(answer.status_code)}", "check the route's credentials")

    def post(self, texts: Sequence[bytes]) -> LrsResponse:
        """Post statements as one JSON array and return the answer: that they are stored, or refused.

        An attempt that was not answered may have stored them; they are sent again, since they have ids.

        Raises:
            DestinationUnavailable: the endpoint can take nothing, or has not answered in all attempts.
        """
        body = b"[" + b",".join(texts) + b"]"
        attempts: list[int] = []

        def attempt() -> Response:
            attempts.append(len(texts))
            return self._attempt(body, len(texts))

        try:
            response = self._insist(attempt)
        except TemporaryError as error:
            raise self._down(f"{error} ({len(attempts)} attempts)", "is it up, and not overloaded?") from None
        # What success says beyond that is xAPI's.
        success = response.ok and not self._is_xapi
        return LrsResponse(
            HTTPStatus.OK if success else response.status_code, response.content, again=len(attempts) > 1
        )

    def ask(self, statement_id: str) -> Any:
        """Return the LRS's statement of this id; None where there is none, or it cannot be told."""
        if not self._is_xapi:
            return None
        get = partial(self._sent, "GET", self._url("statements"), params={"statementId": statement_id})
        try:
            answer = LrsResponse(*self._insist(lambda: _status_and_body(get()))).json
        except TemporaryError:
            return None
        # Ralph answers with a list of one or none, where xAPI has the statement itself.
        found = answer.get("statements") if isinstance(answer, dict) else None
        candidates = found if isinstance(found, list) else [answer]
        return next((entry for entry in candidates if isinstance(entry, dict) and _has_id(entry, statement_id)), None)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._connections.close()

    def _attempt(self, body: bytes, count: int) -> Response:
        self._lanes.sleep(self.pace.wait_seconds(count))
        compressed = self._compresses
        sent = gzip.compress(body, 1, mtime=0) if compressed else body
        headers = {"Content-Encoding": "gzip"} if compressed else {}
        started = time.monotonic()
        try:
            response = self._sent("POST", self._url("statements"), data=sent, headers=headers)
        finally:
            seconds = time.monotonic() - started
        if compressed and not self._keeps_compressing(response):
            return self._attempt(body, count)
        self._judge(response, seconds)
        self.pace.answered(count, seconds)
        # Few servers say what they accept; where one does, it is good to know (RFC 9110, 12.5.3).
        if self._compression_is_understood is None and "gzip" in response.headers.get("Accept-Encoding", "").lower():
            self._compresses = True
        return response

    def _sent(self, method: str, url: str, **how: Any) -> Response:
        try:
            return self._connections.request(method, url, timeout_seconds=self._timeout_seconds, **how)
        except (*_FOREIGN, OSError) as error:
            reason = reason_of(error)
            if reason == UNTRUSTED:
                raise self._lost(
                    reason,
                    "set REQUESTS_CA_BUNDLE, or 'verify' of --destination_config, to its authority's certificate",
                ) from None
            raise TemporaryError(reason) from None

    def _judge(self, response: Response, seconds: float) -> None:
        """Tell answers that may be other ones later from those that stay, and those from what ends everything."""
        status = response.status_code
        shown = f"it answered {shown_status(status)}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in RETRIED:
            asked = min(retry_after_seconds(response), self._retry_policy.max_retry_after_seconds)
            if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
                self.pace.troubled(seconds, asked)
            raise TemporaryError(shown, asked)
        if status in LOST:
            raise self._lost(shown, LOST[status])
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise self._lost(
                f"{shown}, a redirection to {redirection_host(response)}", "set the route's URL to where it leads"
            )
        if self._is_xapi and status < HTTPStatus.MULTIPLE_CHOICES:
            answer = LrsResponse(status, response.content)
            if answer.stored is None and answer.errors is None:
                # A proxy's page, or an answer that was cut off: whether it was stored is not known.
                raise TemporaryError(f"{shown}, but not as an LRS does: check the route's URL")

    def _keeps_compressing(self, response: Response) -> bool:
        """Whether an endpoint that was sent a compressed body may have understood it; it is found out but once."""
        if response.ok:
            self._compression_is_understood = True
        elif not self._compression_is_understood and response.status_code not in _SAYS_NOTHING_OF_COMPRESSION:
            log.info("statements are sent without compression", route=self.route.shown, status=response.status_code)
            self._compression_is_understood = self._compresses = False
        return self._compresses

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": f"log-replay/{__version__}", "Content-Type": "application/json"}
        if self._is_xapi:
            headers["X-Experience-API-Version"] = _XAPI_VERSION
        return {**headers, **self.route.headers}

    def _url(self, resource: str) -> str:
        # As TinCan's RemoteLRS, which upstream sends with, makes it; a Caliper endpoint is the URL itself.
        if not self._is_xapi:
            return self.route.url
        return self.route.url + ("" if self.route.url.endswith("/") else "/") + resource

    def _insist(self, attempt: Callable[[], T]) -> T:
        retry_policy = self._retry_policy if self.insists else replace(self._retry_policy, retries=0)
        return retry_policy.call(attempt, self._lanes.sleep)

    def _lost(self, reason: str, hint: str) -> DestinationUnavailable:
        return DestinationUnavailable(reason, operation="send", object=self.route.shown, hint=hint)

    def _down(self, reason: str, hint: str) -> DestinationNotResponding:
        return DestinationNotResponding(reason, operation="send", object=self.route.shown, hint=hint)


def _status_and_body(response: Response) -> tuple[int, bytes]:
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in RETRIED:
        raise TemporaryError(f"it answered {shown_status(status)}", retry_after_seconds(response))
    return status, response.content


def _has_id(statement: dict[str, Any], statement_id: str) -> bool:
    return str(statement.get("id", "")).lower() == statement_id.lower()
