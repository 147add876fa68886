"""Statements to a listener on a TCP or Unix socket, one line each.

A socket tells when a listener is gone, not what it had read by then. So lines are kept until the listener has read
them for certain: now and then the connection is ended from our side, and a listener that then ends its own has read
all of it. What a lost connection carried beyond that is sent again over the next one: at least once, never less.
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
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0

_log = structlog.get_logger("log_replay.statement_log")


def parse_address(address: str) -> str | tuple[str, int]:
    """Return the path of ``unix:PATH``, or the host and port of ``tcp://HOST:PORT``.

    Raises:
        ConfigurationError: it is neither.
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
        raise ConfigurationError("it is neither tcp://HOST:PORT nor unix:PATH", operation="connect", object=address)
    return host, port


class SocketHandler(LineHandler):
    """Sends whole lines to a listener, reconnecting whenever it is lost.

    ``settle()`` and ``close()`` make sure that the listener has read everything. What it has read and then loses,
    say by being killed before its own sink took it, no sender can know: let its buffer be on disk.

    Args:
        address: ``tcp://HOST:PORT`` or ``unix:PATH``.
        buffer_bytes: how much to keep that the listener has not read for certain.
        on_full: when the buffer is full and the listener away or not reading, ``block`` until it is back, or ``count``
            the statement as lost and go on.
        timeout_seconds: with ``count``, how long a listener may read nothing before it is as good as gone; in both
            cases how long ``close()`` waits for it before it counts what is left as lost.
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
            raise ConfigurationError(f"on_full {on_full!r} is neither block nor count", operation="connect")
        self.target = parse_address(address)
        self.address = address
        self.buffer_bytes = buffer_bytes
        self.on_full = on_full
        self.timeout_seconds = timeout_seconds
        self.lost_in_all = 0
        self._socket: socket.socket | None = None
        self._unsent: deque[bytes] = deque()
        self._unconfirmed: deque[bytes] = deque()
        self._kept_bytes = 0
        self._pause_seconds = 0.0
        self._next_attempt = 0.0
        self._given_up = False
        # A listener that is slow holds a run back; with `count` only so long.
        self._stall_seconds = timeout_seconds if on_full == "count" else None

    def write_lines(self, lines: Text) -> None:
        """Send whole lines, or keep them for when the listener is back."""
        for line in bytes(lines).split(b"\n")[:-1]:
            if self._kept_bytes + len(line) + 1 > self.buffer_bytes and not self._make_room(len(line) + 1):
                self._count_lost(1)
                continue
            self._unsent.append(line + b"\n")
            self._kept_bytes += len(line) + 1
        self._send()

    def settle(self) -> int:
        """Wait until the listener has read everything, and return how many statements were lost since last asked."""
        with self._held():
            if not self._deliver_all(self._patience_seconds()):
                self._give_up()
        return super().settle()

    def abandon(self) -> None:
        """Disconnect, and let go of what the listener may not have read."""
        super().abandon()
        with self._held():
            self._disconnect()
            self._forget()

    def close(self) -> None:
        """Wait a while until the listener has read everything; what is left then is counted as lost."""
        with self._held():
            self._stall_seconds = self.timeout_seconds
            if self._socket:
                self._socket.settimeout(self._stall_seconds)
            if not self._deliver_all(self.timeout_seconds):
                self._give_up()
            self._disconnect()
        super().close()

    def _patience_seconds(self) -> float:
        """Return how long to wait for a listener that is away; not again for one that was waited for in vain."""
        if self.on_full == "block":
            return float("inf")
        return 0.0 if self._given_up else self.timeout_seconds

    def _make_room(self, line_bytes: int) -> bool:
        """Free a line's room, or say that the line has to be given up."""
        if self._deliver_all(self._patience_seconds()) or self._kept_bytes + line_bytes <= self.buffer_bytes:
            return True
        self._given_up = True
        return False

    def _deliver_all(self, patience_seconds: float) -> bool:
        """Send everything and have it confirmed, trying again as long as retry_policy lasts."""
        deadline = time.monotonic() + patience_seconds
        while self._kept_bytes:
            self._send()
            if self._socket and not self._unsent and self._confirm():
                break
            now = time.monotonic()
            if max(self._next_attempt, now) >= deadline:
                return False
            time.sleep(max(self._next_attempt - now, 0.0))
        return True

    def _send(self) -> None:
        """Send what was not sent yet, as far as there is a listener."""
        while self._unsent and self._connect():
            batch = self._next_batch()
            try:
                self._socket.sendall(b"".join(batch))  # type: ignore[union-attr] # _connect() said that there is one
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
        self._socket.settimeout(self._stall_seconds)
        self._given_up = False
        return True

    def _confirm(self) -> bool:
        """End the connection, and tell whether the listener had read all of it by the time it ended its own side."""
        assert self._socket  # noqa: S101 - only called with a connection
        try:
            # One that ends its side before ours, as when it is being stopped, does not say that it read everything.
            ended_first = _has_ended(self._socket)
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(4096):
                pass
            if ended_first or _refused(self._socket):
                raise ConnectionResetError("closed before it had read everything")
        except OSError as error:
            self._lose_connection(error)
            return False
        self._disconnect()
        self._unconfirmed.clear()
        self._kept_bytes = sum(map(len, self._unsent))
        self._pause_seconds = 0.0
        return True

    def _lose_connection(self, error: OSError) -> None:
        """Take back what the listener may not have read, and let some time pass before the next attempt."""
        self._disconnect()
        if not self._pause_seconds:
            _log.warning(
                "listener lost, sending again once it is back", listener=self.address, error=type(error).__name__
            )
        self._unsent.extendleft(reversed(self._unconfirmed))
        self._unconfirmed.clear()
        self._pause_seconds = min(max(2 * self._pause_seconds, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
        self._next_attempt = time.monotonic() + self._pause_seconds

    def _disconnect(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _give_up(self) -> None:
        self._count_lost(len(self._unsent) + len(self._unconfirmed))
        self._given_up = True
        self._forget()

    def _forget(self) -> None:
        self._unsent.clear()
        self._unconfirmed.clear()
        self._kept_bytes = 0

    def _count_lost(self, statements: int) -> None:
        if statements and not self.lost:
            _log.error("listener away, statements are being lost", listener=self.address)
        self.lost += statements
        self.lost_in_all += statements


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


def _has_ended(sock: socket.socket) -> bool:
    """Whether the other side has ended its direction of a connection; a listener sends nothing else."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0)) and not sock.recv(1, socket.MSG_PEEK)


def _refused(sock: socket.socket) -> bool:
    """Whether some of what was sent is known not to have arrived: unacknowledged (TCP) or unread (Unix)."""
    unread = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0)))[0]
    return bool(unread or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
