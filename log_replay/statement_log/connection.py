"""One connection to a listener on a TCP or Unix socket."""

from __future__ import annotations

import errno
import fcntl
import select
import socket
import struct
import termios
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from log_replay.errors import ConfigurationError
from log_replay.statement_log.waiting import Wait

if TYPE_CHECKING:
    from log_replay.records import Text

_MAX_CONNECT_SECONDS = 10.0


def parse_address(address: str) -> str | tuple[str, int]:
    """Return the path of ``unix:PATH``, or the host and port of ``tcp://HOST:PORT``.

    Raises:
        ConfigurationError: the address has neither form.
    """
    path = address.removeprefix("unix:")
    if path and path != address:
        return path
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme != "tcp" or parts.path.strip("/") or parts.username:
        raise ConfigurationError(
            "the address must be tcp://HOST:PORT or unix:PATH", operation="connect", object=address
        )
    return host, port


class Connection:
    """A connection that sends bytes and finds out whether the listener has read them all.

    Args:
        address: ``tcp://HOST:PORT`` or ``unix:PATH``.
        timeout_seconds: the time without progress after which a method raises ``TimeoutError``.

    Raises:
        OSError: there is no listener. All methods raise it when the connection is lost.
    """

    def __init__(self, address: str, timeout_seconds: float) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._socket = _connected(parse_address(address), min(timeout_seconds, _MAX_CONNECT_SECONDS))
        self._socket.settimeout(0)

    def send(self, data: Text) -> None:
        """Send bytes, and wait while the listener does not read."""
        rest = memoryview(data)
        while rest:
            self._wait_until_ready(select.POLLOUT)
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                continue

    def end(self) -> None:
        """End this direction, and wait until the listener ends the other one, which confirms that it has read all.

        Raises:
            OSError: the listener may not have read everything.
        """
        # A listener that ends its direction first, as when it is stopped, may not have read everything.
        ended_first = self._listener_has_ended()
        self._socket.shutdown(socket.SHUT_WR)
        while self._receive():
            pass
        if ended_first or self._has_undelivered_bytes():
            raise ConnectionResetError("the listener closed the connection before it had read everything")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _receive(self) -> bytes:
        self._wait_until_ready(select.POLLIN)
        return self._socket.recv(4096)

    def _wait_until_ready(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._socket, event)
        wait: Wait | None = None
        while not poll.poll(1000 * wait.step_seconds if wait else 0):
            if wait is None:
                wait = Wait(self._address, self._timeout_seconds)
            elif wait.is_over:
                raise TimeoutError("timed out")
            wait.warn_if_due()

    def _listener_has_ended(self) -> bool:
        """Return True if the listener has ended its direction. A listener sends no data."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0)) and not self._socket.recv(1, socket.MSG_PEEK)

    def _has_undelivered_bytes(self) -> bool:
        """Return True if sent bytes are known not to have arrived: not acknowledged (TCP) or not read (Unix)."""
        unread = struct.unpack("i", fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, struct.pack("i", 0)))[0]
        return bool(unread or self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def connection_failure(error: OSError) -> str:
    """Return the reason why a connection failed, in words."""
    if isinstance(error, socket.gaierror):
        return "unknown host"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "no answer"
    return error.strerror or str(error)


def _connected(target: str | tuple[str, int], timeout_seconds: float) -> socket.socket:
    if isinstance(target, tuple):
        sock = socket.create_connection(target, timeout=timeout_seconds)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return sock
    if Path(target).exists() and not Path(target).is_socket():
        raise OSError(errno.ENOTSOCK, "not a socket")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_seconds)
        sock.connect(target)
    except BaseException:
        sock.close()
        raise
    return sock
