"""Send statements to a listener on a TCP or Unix socket, one statement a line.

A socket does not acknowledge what the listener has read. The handler therefore keeps each line until the listener has
confirmed it: the handler ends its direction of the connection, and a listener that then ends its own direction has
read everything. After a lost connection the handler sends all unconfirmed lines again, so delivery is at least once.
"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import termios
import time
from collections import deque
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import structlog

from log_replay.errors import ConfigurationError
from log_replay.statement_log.line_handler import LineHandler

if TYPE_CHECKING:
    from log_replay.records import Text

_SEND_BYTES = 1 << 18
_FIRST_DELAY_SECONDS = 0.1
_MAX_DELAY_SECONDS = 10.0

_log = structlog.get_logger("log_replay.statement_log")


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


class SocketHandler(LineHandler):
    """Send whole lines to a listener, and reconnect when the connection is lost.

    ``flush_lines()`` and ``close()`` wait until the listener has read everything. A listener that is killed loses what
    it has read but not yet stored, and this handler cannot detect that. Configure the listener with a disk buffer.

    Args:
        address: ``tcp://HOST:PORT`` or ``unix:PATH``.
        buffer_bytes: maximum size of the lines that the listener has not confirmed.
        on_full: what to do when the buffer is full and the listener does not answer. ``block`` waits for the listener;
            ``count`` discards the statement and counts it as lost.
        timeout_seconds: with ``count``, time without progress after which the listener is considered unavailable. With
            both, time that ``close()`` waits for the listener before it counts the remaining statements as lost.
    """

    def __init__(
        self,
        address: str,
        *,
        buffer_bytes: int = 16 << 20,
        on_full: Literal["block", "count"] = "block",
        timeout_seconds: float = 30.0,
    ) -> None:
        super().__init__()
        if on_full not in ("block", "count"):
            raise ConfigurationError(f"on_full {on_full!r} is not one of block, count", operation="connect")
        self.target = parse_address(address)
        self.address = address
        self.buffer_bytes = buffer_bytes
        self.on_full = on_full
        self.timeout_seconds = timeout_seconds
        self._socket: socket.socket | None = None
        self._unsent: deque[bytes] = deque()
        self._unconfirmed: deque[bytes] = deque()
        self._buffer_used_bytes = 0
        self._delay_seconds = 0.0
        self._next_attempt = 0.0
        self._unavailable = False
        # With `block`, a send waits for a slow listener without a limit.
        self._send_timeout_seconds = timeout_seconds if on_full == "count" else None

    def write_lines(self, lines: Text) -> None:
        """Send whole lines, or keep them until the listener is available."""
        for line in bytes(lines).split(b"\n")[:-1]:
            if self._buffer_used_bytes + len(line) + 1 > self.buffer_bytes and not self._make_room(len(line) + 1):
                self._count_lost(1)
                continue
            self._unsent.append(line + b"\n")
            self._buffer_used_bytes += len(line) + 1
        self._send()

    def flush_lines(self) -> int:
        """Wait until the listener has read everything; return the number of statements lost since the last call."""
        with self._locked():
            if not self._deliver_all(self._wait_seconds()):
                self._give_up()
        return super().flush_lines()

    def discard(self) -> None:
        """Disconnect, and discard the lines that the listener has not confirmed."""
        super().discard()
        with self._locked():
            self._disconnect()
            self._clear_buffer()

    def close(self) -> None:
        """Wait up to the timeout until the listener has read everything; count the remaining statements as lost."""
        with self._locked():
            self._send_timeout_seconds = self.timeout_seconds
            if self._socket:
                self._socket.settimeout(self._send_timeout_seconds)
            if not self._deliver_all(self.timeout_seconds):
                self._give_up()
            self._disconnect()
        super().close()

    def _wait_seconds(self) -> float:
        """Return how long to wait for the listener: not at all if the last wait failed."""
        if self.on_full == "block":
            return float("inf")
        return 0.0 if self._unavailable else self.timeout_seconds

    def _make_room(self, line_bytes: int) -> bool:
        """Make room in the buffer for a line; return False if the line must be counted as lost."""
        if self._deliver_all(self._wait_seconds()) or self._buffer_used_bytes + line_bytes <= self.buffer_bytes:
            return True
        self._unavailable = True
        return False

    def _deliver_all(self, wait_seconds: float) -> bool:
        """Send everything and have it confirmed, with retries during ``wait_seconds``; return True on success."""
        deadline = time.monotonic() + wait_seconds
        while self._buffer_used_bytes:
            self._send()
            if self._socket and not self._unsent and self._confirm():
                break
            now = time.monotonic()
            if max(self._next_attempt, now) >= deadline:
                return False
            time.sleep(max(self._next_attempt - now, 0.0))
        return True

    def _send(self) -> None:
        """Send the unsent lines while the listener is available."""
        while self._unsent and self._connect():
            batch = self._next_batch()
            try:
                self._socket.sendall(b"".join(batch))  # type: ignore[union-attr] # set by _connect()
            except OSError as error:
                self._lose_connection(error)
            else:
                for _ in batch:
                    self._unconfirmed.append(self._unsent.popleft())

    def _next_batch(self) -> list[bytes]:
        batch, size = [], 0
        for line in self._unsent:
            batch.append(line)
            size += len(line)
            if size >= _SEND_BYTES:
                break
        return batch

    def _connect(self) -> bool:
        if self._socket:
            return True
        if time.monotonic() < self._next_attempt:
            return False
        try:
            self._socket = _connected(self.target, self.timeout_seconds)
        except OSError as error:
            self._lose_connection(error)
            return False
        self._socket.settimeout(self._send_timeout_seconds)
        self._unavailable = False
        return True

    def _confirm(self) -> bool:
        """End the connection; return True if the listener has read everything that was sent over it."""
        assert self._socket  # noqa: S101 - only called with a connection
        try:
            # A listener that ends its direction first, as when it is stopped, may not have read everything.
            ended_first = _peer_has_ended(self._socket)
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(4096):
                pass
            if ended_first or _has_undelivered_bytes(self._socket):
                raise ConnectionResetError("the listener closed the connection before it had read everything")
        except OSError as error:
            self._lose_connection(error)
            return False
        self._disconnect()
        self._unconfirmed.clear()
        self._buffer_used_bytes = sum(map(len, self._unsent))
        self._delay_seconds = 0.0
        return True

    def _lose_connection(self, error: OSError) -> None:
        """Queue the unconfirmed lines again, and increase the delay before the next attempt."""
        self._disconnect()
        if not self._delay_seconds:
            _log.warning("connection to the listener lost, retrying", listener=self.address, error=type(error).__name__)
        self._unsent.extendleft(reversed(self._unconfirmed))
        self._unconfirmed.clear()
        self._delay_seconds = min(max(2 * self._delay_seconds, _FIRST_DELAY_SECONDS), _MAX_DELAY_SECONDS)
        self._next_attempt = time.monotonic() + self._delay_seconds

    def _disconnect(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _give_up(self) -> None:
        self._count_lost(len(self._unsent) + len(self._unconfirmed))
        self._unavailable = True
        self._clear_buffer()

    def _clear_buffer(self) -> None:
        self._unsent.clear()
        self._unconfirmed.clear()
        self._buffer_used_bytes = 0

    def _count_lost(self, statements: int) -> None:
        if statements and not self.lost:
            _log.error("listener unavailable, statements are lost", listener=self.address)
        self.lost += statements


def _connected(target: str | tuple[str, int], timeout_seconds: float) -> socket.socket:
    if isinstance(target, tuple):
        sock = socket.create_connection(target, timeout=timeout_seconds)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return sock
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_seconds)
        sock.connect(target)
    except BaseException:
        sock.close()
        raise
    return sock


def _peer_has_ended(sock: socket.socket) -> bool:
    """Return True if the listener has ended its direction of the connection. A listener sends no data."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0)) and not sock.recv(1, socket.MSG_PEEK)


def _has_undelivered_bytes(sock: socket.socket) -> bool:
    """Return True if sent bytes are known not to have arrived: not acknowledged (TCP) or not read (Unix)."""
    unread = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0)))[0]
    return bool(unread or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
