"""A deadline for whole requests.

The timeout of requests is the longest wait for the next bytes. A server that sends or accepts one byte now and then
would hold up a request for ever.
"""

from __future__ import annotations

import io
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    import socket

#: The bytes that are sent between two checks of the deadline.
_PIECE_BYTES = 262_144


class DeadlineAdapter(HTTPAdapter):
    """An adapter for ``requests`` that limits the duration of each request, without the time to connect.

    Args:
        limit_seconds: the longest duration.
    """

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pool manager for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._use_deadline_connections(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool manager for connections through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        self._use_deadline_connections(manager)
        return manager

    def _use_deadline_connections(self, manager: Any) -> None:
        """Make a pool manager create connections with a deadline.

        urllib3 creates the connections of a pool from the class in ``ConnectionCls``, and the pools from the classes
        in ``pool_classes_by_scheme``. The limit is an attribute of the connection's class, since urllib3 gives the
        constructor no arguments of ours.
        """
        limit = {"limit_seconds": self._limit_seconds}
        http = type("DeadlineHTTPConnection", (_DeadlineConnection, HTTPConnection), limit)
        https = type("DeadlineHTTPSConnection", (_DeadlineConnection, HTTPSConnection), limit)
        manager.pool_classes_by_scheme = {
            "http": type("DeadlineHTTPPool", (HTTPConnectionPool,), {"ConnectionCls": http}),
            "https": type("DeadlineHTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": https}),
        }


class _DeadlineConnection:
    """A mixin for connections of urllib3: the deadline begins with each request."""

    limit_seconds: float
    sock: socket.socket | None
    _deadline = 0.0

    def putrequest(self, *args: Any, **kwargs: Any) -> Any:
        self._deadline = time.monotonic() + self.limit_seconds
        return super().putrequest(*args, **kwargs)  # type: ignore[misc]  # a method of the connection

    def send(self, data: Any) -> None:
        """Send data in pieces, each with the time that is left: the timeout of a socket applies to a whole send."""
        if not isinstance(data, bytes) or len(data) <= _PIECE_BYTES or self.sock is None:
            super().send(data)  # type: ignore[misc]  # as above
            return
        timeout_seconds = self.sock.gettimeout()
        view = memoryview(data)
        for start in range(0, len(data), _PIECE_BYTES):
            self.sock.settimeout(_seconds_left(self._deadline, timeout_seconds))
            super().send(view[start : start + _PIECE_BYTES])  # type: ignore[misc]  # as above
        self.sock.settimeout(timeout_seconds)

    def response_class(self, sock: socket.socket, *args: Any, **kwargs: Any) -> HTTPResponse:
        """Return a response whose ``fp``, from which http.client reads, has the deadline."""
        response = HTTPResponse(sock, *args, **kwargs)
        response.fp = io.BufferedReader(_DeadlineReader(response.fp.detach(), sock, self._deadline))
        return response


class _DeadlineReader(io.RawIOBase):
    """The data of a response until the deadline.

    Args:
        raw: the data.
        sock: the socket, whose timeout is the longest wait for the next bytes.
        deadline: the end of the request in monotonic time.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._timeout_seconds = sock.gettimeout()
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._sock.fileno() >= 0:
            self._sock.settimeout(_seconds_left(self._deadline, self._timeout_seconds))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _seconds_left(deadline: float, timeout_seconds: float | None) -> float:
    """Return the timeout for the next bytes.

    Raises:
        TimeoutError: the deadline has passed.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the request takes too long")
    return left if timeout_seconds is None else min(left, timeout_seconds)
