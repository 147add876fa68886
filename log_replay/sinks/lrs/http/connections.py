"""Connections to one server, kept for the next request; each is for one thread at a time."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase

from log_replay.sinks.lrs.http.deadlines import TimedAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import PreparedRequest, Response

#: No answer to statements is longer; what is, could be meant to fill the memory.
_LONGEST_ANSWER_BYTES = 16_000_000
_CHUNK_BYTES = 65536


class _Authorization(AuthBase):
    """Sends exactly the route's header; being there, it also keeps requests from looking into ``~/.netrc``."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request


class Connections:
    """Sends requests, by several threads if need be.

    Args:
        headers: of each request.
        authorization: the value of the header of this name; None sends none.
        verify: whether TLS certificates are verified; or the path of the certificates that are trusted.
        longest_seconds: how long a request may take in all.
    """

    def __init__(
        self, headers: Mapping[str, str], authorization: str | None, *, verify: bool | str, longest_seconds: float
    ) -> None:
        self._headers = headers
        self._authorization = _Authorization(authorization)
        self._verify = verify
        self._longest_seconds = longest_seconds
        self._free: SimpleQueue[requests.Session] = SimpleQueue()

    def request(self, method: str, url: str, *, timeout_seconds: tuple[float, float], **how: Any) -> Response:
        """Send a request and read its answer, up to a limit; redirections are not followed."""
        session = self._session()
        try:
            # Given here, since an environment variable takes precedence over what a session has.
            how["verify"] = None if self._verify is True else self._verify
            response = session.request(method, url, timeout=timeout_seconds, allow_redirects=False, stream=True, **how)
            response._content = _read(response)  # noqa: SLF001 - as requests does, with limits
        except BaseException:
            session.close()
            raise
        self._free.put(session)
        return response

    def close(self) -> None:
        """Close the connections that are not in use."""
        with suppress(Empty):
            while True:
                self._free.get_nowait().close()

    def _session(self) -> requests.Session:
        try:
            return self._free.get_nowait()
        except Empty:
            return self._new_session()

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, TimedAdapter(self._longest_seconds))
        session.auth = self._authorization
        session.headers.update(self._headers)
        return session


def _read(response: Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > _LONGEST_ANSWER_BYTES:
            response.close()
            break
    return bytes(body[:_LONGEST_ANSWER_BYTES])
