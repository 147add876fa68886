"""One LRS or Caliper endpoint over HTTP: rate limit, retries, compression, and checks of the response."""

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
from log_replay.sinks.lrs.bisection import LookupFailed
from log_replay.sinks.lrs.http.connections import Connections
from log_replay.sinks.lrs.http.rate_limiter import RateLimiter
from log_replay.sinks.lrs.responses import TEMPORARY, UNAVAILABLE, LrsResponse, shown_status

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
#: The longest duration of a request, as a multiple of the timeout.
REQUEST_TIMEOUTS = 10
#: requests does not translate all errors of urllib3 and of the text encoders.
_FOREIGN = (requests.RequestException, HTTPError, UnicodeError)
#: With these statuses it is not known whether the endpoint can read a compressed body.
_NOT_ABOUT_COMPRESSION = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, *UNAVAILABLE}) - {
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE
}
#: Few retries: an LRS may accept statements and never return any, and each retry takes up to a timeout.
_LOOKUP_RETRIES = 2
_TRUST_HINT = (
    "set REQUESTS_CA_BUNDLE, or 'verify' in --destination_config, to the file with its authority's certificate"
)


class Endpoint:
    """The endpoint of a route. Several threads can use it.

    Args:
        route: the route.
        transformer_type: ``xapi`` or ``caliper``.
        settings: the settings for sending.
        retry_policy: how often to retry.
        threads: the threads that send, whose ``sleep`` an interrupt ends.

    Attributes:
        retries_enabled: retry temporary errors; False while the route is unavailable, to test it with one request.
    """

    def __init__(
        self, route: Route, *, transformer_type: str, settings: LrsSettings, retry_policy: RetryPolicy, threads: Threads
    ) -> None:
        self.route = route
        self.retries_enabled = True
        self._rate_limiter = RateLimiter(settings.max_rate)
        self._is_xapi = transformer_type == "xapi"
        self._timeout_seconds = (_CONNECT_TIMEOUT_SECONDS, settings.timeout_seconds)
        self._verify = settings.verify
        self._retry_policy = retry_policy
        self._threads = threads
        self._compresses = settings.compression is not None
        self._reads_compression: bool | None = None
        self._unnamed_reported = False
        self._connections = Connections(
            self._headers(),
            route.authorization,
            verify=settings.verify,
            limit_seconds=REQUEST_TIMEOUTS * settings.timeout_seconds,
        )

    def check(self) -> None:
        """Check the route's configuration, and that its host responds and accepts the credentials.

        No statement is sent. A path that does not exist is no error: not every LRS has ``about``.

        Raises:
            ConfigurationError: the configuration is not valid, the credentials are wrong, or the TLS certificate is
                not trusted.
            DestinationNotResponding: the host does not respond.
        """
        self.route.check(is_xapi=self._is_xapi)
        if self._verify is False:
            log.warning(
                "TLS certificates are not verified: others on the network can read and change statements",
                route=self.route.shown,
            )
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        method = "GET" if self._is_xapi else "HEAD"
        try:
            response = self._connections.request(method, self._url("about"), timeout_seconds=_CHECK_TIMEOUT_SECONDS)
        except requests.ReadTimeout:
            return  # the host responds slowly, which the retries of sending can handle
        except (*_FOREIGN, OSError) as error:
            reason = reason_of(error)
            if reason == UNTRUSTED:
                raise self.route.error(reason, _TRUST_HINT) from None
            raise self._not_responding(reason, "check that the LRS is running, and the route's URL") from None
        # A gateway forbids methods that it does not support, so 403 does not mean wrong credentials for Caliper.
        forbidden = response.status_code == HTTPStatus.FORBIDDEN and self._is_xapi
        if response.status_code == HTTPStatus.UNAUTHORIZED or forbidden:
            raise self.route.error(f"it answered {shown_status(response.status_code)}", "check the route's credentials")

    def post(self, texts: Sequence[bytes]) -> LrsResponse:
        """Post statements as one JSON array and return the response.

        An attempt without a response may have stored the statements. They are sent again, which is safe: they have ids.

        Raises:
            DestinationUnavailable: the endpoint accepts no statements, or has not responded to any attempt.
        """
        body = b"[" + b",".join(texts) + b"]"
        attempts: list[int] = []

        def attempt() -> Response:
            attempts.append(len(texts))
            return self._attempt(body, len(texts))

        try:
            response = self._with_retries(attempt)
        except TemporaryError as error:
            raise self._not_responding(
                f"{error} ({len(attempts)} attempts)", "check that it is running and not overloaded"
            ) from None
        retried = len(attempts) > 1
        if response.ok and not self._is_xapi:  # any success of Caliper means that all statements are stored
            return LrsResponse(HTTPStatus.OK, retried=retried)
        return LrsResponse(response.status_code, response.content, retried=retried)

    def fetch(self, statement_id: str) -> Any:
        """Return the LRS's statement with this id; None if there is none.

        Raises:
            LookupFailed: the LRS does not return statements; a Caliper endpoint never does.
        """
        if not self._is_xapi:
            raise LookupFailed
        get = partial(self._request, "GET", self._url("statements"), params={"statementId": statement_id})
        try:
            response = LrsResponse(*self._with_retries(lambda: _status_and_body(get()), _LOOKUP_RETRIES))
        except TemporaryError as error:
            raise LookupFailed from error
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        content = response.json
        if not response.accepted or content is None:
            raise LookupFailed
        # xAPI requires the statement itself. Ralph returns a list with at most one statement.
        found = content.get("statements") if isinstance(content, dict) else None
        candidates = found if isinstance(found, list) else [content]
        return next((entry for entry in candidates if isinstance(entry, dict) and _has_id(entry, statement_id)), None)

    def report_unnamed(self) -> None:
        """Warn once that the LRS accepts statements without naming them."""
        if not self._unnamed_reported:
            self._unnamed_reported = True
            log.warning("LRS names no stored statement; each one is fetched from it", route=self.route.shown)

    def close(self) -> None:
        """Close the idle connections."""
        self._connections.close()

    def _attempt(self, body: bytes, count: int) -> Response:
        self._threads.sleep(self._rate_limiter.reserve(count))
        compressed = self._compresses
        data = gzip.compress(body, 1, mtime=0) if compressed else body
        headers = {"Content-Encoding": "gzip"} if compressed else {}
        started = time.monotonic()
        try:
            response = self._request("POST", self._url("statements"), data=data, headers=headers)
        finally:
            seconds = time.monotonic() - started
        if compressed and not self._keeps_compressing(response):
            return self._attempt(body, count)
        self._raise_for_status(response, seconds)
        self._rate_limiter.responded(count, seconds)
        # A server may announce that it accepts compressed requests (RFC 9110, 12.5.3).
        if self._reads_compression is None and "gzip" in response.headers.get("Accept-Encoding", "").lower():
            self._compresses = True
        return response

    def _request(self, method: str, url: str, **arguments: Any) -> Response:
        try:
            return self._connections.request(method, url, timeout_seconds=self._timeout_seconds, **arguments)
        except (*_FOREIGN, OSError) as error:
            reason = reason_of(error)
            if reason == UNTRUSTED:
                raise self._unavailable(reason, _TRUST_HINT) from None
            raise TemporaryError(reason) from None

    def _raise_for_status(self, response: Response, seconds: float) -> None:
        """Raise an error unless the response says that the statements are stored or refused.

        Raises:
            TemporaryError: a retry may succeed.
            DestinationUnavailable: the endpoint accepts no statements.
        """
        status = response.status_code
        shown = f"it answered {shown_status(status)}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in TEMPORARY:
            asked = min(retry_after_seconds(response), self._retry_policy.max_retry_after_seconds)
            if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
                self._rate_limiter.overloaded(seconds, asked)
            raise TemporaryError(shown, asked)
        if status in UNAVAILABLE:
            raise self._unavailable(shown, UNAVAILABLE[status])
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise self._unavailable(
                f"{shown}, a redirection to {redirection_host(response)}",
                "set the route's URL to the target of the redirection",
            )
        if self._is_xapi and status < HTTPStatus.MULTIPLE_CHOICES:
            lrs_response = LrsResponse(status, response.content)
            if lrs_response.stored is None and lrs_response.errors is None:
                # The page of a proxy, or an incomplete response: the statements may be stored or not.
                raise TemporaryError(f"{shown}, but not as an LRS does: check the route's URL")

    def _keeps_compressing(self, response: Response) -> bool:
        """Return False if the endpoint cannot read compressed bodies. The first clear response decides."""
        if response.ok:
            self._reads_compression = True
        elif not self._reads_compression and response.status_code not in _NOT_ABOUT_COMPRESSION:
            log.info(
                "LRS does not accept compressed requests; sending without compression",
                route=self.route.shown,
                status=response.status_code,
            )
            self._reads_compression = self._compresses = False
        return self._compresses

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": f"log-replay/{__version__}", "Content-Type": "application/json"}
        if self._is_xapi:
            headers["X-Experience-API-Version"] = _XAPI_VERSION
        return {**headers, **self.route.headers}

    def _url(self, resource: str) -> str:
        # The same URL as upstream's TinCan client uses. A Caliper route has the full URL.
        if not self._is_xapi:
            return self.route.url
        return self.route.url + ("" if self.route.url.endswith("/") else "/") + resource

    def _with_retries(self, attempt: Callable[[], T], max_retries: int | None = None) -> T:
        retries = self._retry_policy.retries if max_retries is None else min(max_retries, self._retry_policy.retries)
        retry_policy = replace(self._retry_policy, retries=retries if self.retries_enabled else 0)
        return retry_policy.call(attempt, self._threads.sleep)

    def _unavailable(self, reason: str, hint: str) -> DestinationUnavailable:
        return DestinationUnavailable(reason, operation="send", object=self.route.shown, hint=hint)

    def _not_responding(self, reason: str, hint: str) -> DestinationNotResponding:
        return DestinationNotResponding(reason, operation="send", object=self.route.shown, hint=hint)


def _status_and_body(response: Response) -> tuple[int, bytes]:
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in TEMPORARY:
        raise TemporaryError(f"it answered {shown_status(status)}", retry_after_seconds(response))
    return status, response.content


def _has_id(statement: dict[str, Any], statement_id: str) -> bool:
    return str(statement.get("id", "")).lower() == statement_id.lower()
