"""A pool of connections to one server. One thread at a time uses a connection."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase

from log_replay.sinks.lrs.http.deadlines import DeadlineAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import PreparedRequest, Response

#: A longer response is cut: it could fill the memory.
_MAX_RESPONSE_BYTES = 16_000_000
_CHUNK_BYTES = 65536


class _Authorization(AuthBase):
    """Send the route's credentials only. Without an ``auth``, requests would look for some in ``~/.netrc``."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request


class Connections:
    """A pool that several threads can use.

    Args:
        headers: the headers of each request.
        authorization: the value of the ``Authorization`` header; None for no header.
        verify: verify TLS certificates; or the path of the trusted certificates.
        limit_seconds: the longest duration of a request.
    """

    def __init__(
        self, headers: Mapping[str, str], authorization: str | None, *, verify: bool | str, limit_seconds: float
    ) -> None:
        self._headers = headers
        self._authorization = _Authorization(authorization)
        self._verify = verify
        self._limit_seconds = limit_seconds
        self._idle: SimpleQueue[requests.Session] = SimpleQueue()

    def request(self, method: str, url: str, *, timeout_seconds: tuple[float, float], **arguments: Any) -> Response:
        """Send a request and read the response up to a limit. Redirections are not followed."""
        session = self._session()
        try:
            # An environment variable takes precedence over an attribute of the session, but not over this argument.
            arguments["verify"] = None if self._verify is True else self._verify
            response = session.request(
                method, url, timeout=timeout_seconds, allow_redirects=False, stream=True, **arguments
            )
            response._content = _read(response)  # noqa: SLF001 - requests sets it in the same way, without a limit
        except BaseException:
            session.close()
            raise
        self._idle.put(session)
        return response

    def close(self) -> None:
        """Close the idle connections."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    def _session(self) -> requests.Session:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._new_session()

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, DeadlineAdapter(self._limit_seconds))
        session.auth = self._authorization
        session.headers.update(self._headers)
        return session


def _read(response: Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > _MAX_RESPONSE_BYTES:
            response.close()
            break
    return bytes(body[:_MAX_RESPONSE_BYTES])
