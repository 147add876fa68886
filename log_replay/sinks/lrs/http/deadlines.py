"""Requests that end in time: not only with a server that is silent, but also with one that is never done.

What requests calls a timeout is how long a server may be silent. One that sends a byte now and then, or takes one,
would hold a request up for ever.
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

#: Bytes that are sent at once: a server may be silent for as long while it takes them.
_PIECE_BYTES = 262_144


class TimedAdapter(HTTPAdapter):
    """Connects so that no request takes longer than so many seconds, beside what it takes to connect.

    Args:
        longest_seconds: how long.
    """

    def __init__(self, longest_seconds: float) -> None:
        self._longest_seconds = longest_seconds
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the manager of connections with connections of ours."""
        super().init_poolmanager(*args, **kwargs)
        self._time(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Likewise for what goes through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        self._time(manager)
        return manager

    def _time(self, manager: Any) -> None:
        limit = {"longest_seconds": self._longest_seconds}
        plain = type("TimedHttp", (_Timed, HTTPConnection), limit)
        secure = type("TimedHttps", (_Timed, HTTPSConnection), limit)
        manager.pool_classes_by_scheme = {
            "http": type("TimedHttpPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("TimedHttpsPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


class _Timed:
    """A connection that knows when its request must be over; beside ``HTTPConnection`` of urllib3's."""

    longest_seconds: float
    sock: socket.socket | None
    _until = 0.0

    def putrequest(self, *args: Any, **kwargs: Any) -> Any:
        self._until = time.monotonic() + self.longest_seconds
        return super().putrequest(*args, **kwargs)  # type: ignore[misc]  # the connection's

    def send(self, data: Any) -> None:
        """Send in pieces: for plain sockets a timeout is about all that is sent at once."""
        if not isinstance(data, bytes) or len(data) <= _PIECE_BYTES or self.sock is None:
            super().send(data)  # type: ignore[misc]  # as above
            return
        silent_seconds = self.sock.gettimeout()
        view = memoryview(data)
        for start in range(0, len(data), _PIECE_BYTES):
            self.sock.settimeout(_left(self._until, silent_seconds))
            super().send(view[start : start + _PIECE_BYTES])  # type: ignore[misc]  # as above
        self.sock.settimeout(silent_seconds)

    def response_class(self, sock: socket.socket, *args: Any, **kwargs: Any) -> HTTPResponse:
        """Return the answer, which http.client reads from what is called ``fp``."""
        response = HTTPResponse(sock, *args, **kwargs)
        response.fp = io.BufferedReader(_Answer(response.fp.detach(), sock, self._until))
        return response


class _Answer(io.RawIOBase):
    """What a server answers, for as long as there is time.

    Args:
        answer: what the socket gives.
        sock: the socket, whose timeout is how long the server may be silent.
        until: until when.
    """

    def __init__(self, answer: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._answer = answer
        self._sock = sock
        self._silent_seconds = sock.gettimeout()
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._sock.fileno() >= 0:
            self._sock.settimeout(_left(self._until, self._silent_seconds))
        return self._answer.readinto(buffer)

    def close(self) -> None:
        self._answer.close()
        super().close()


def _left(until: float, silent_seconds: float | None) -> float:
    """Return how long the server may be silent now.

    Raises:
        TimeoutError: the time is over.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the request takes too long")
    return left if silent_seconds is None else min(left, silent_seconds)
