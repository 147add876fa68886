"""Send statements to a listener on a TCP or Unix socket, one statement a line.

A socket does not acknowledge what the listener has read. The handler therefore keeps each line until the listener has
confirmed it: the handler ends its direction of the connection, and a listener that then ends its own direction has
read everything. After a lost connection the handler sends all unconfirmed lines again, so delivery is at least once.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Literal

import structlog

from log_replay.errors import ConfigurationError, DestinationNotResponding
from log_replay.statement_log.connection import Connection, connection_failure, parse_address
from log_replay.statement_log.line_handler import LineHandler
from log_replay.statement_log.waiting import Wait

if TYPE_CHECKING:
    from log_replay.records import Text

_SEND_BYTES = 1 << 18
_FIRST_DELAY_SECONDS = 0.1
_MAX_DELAY_SECONDS = 10.0
_MAX_CLOSE_SECONDS = 30.0
_DEFAULT_TIMEOUT_SECONDS = {"block": 600.0, "count": 30.0}

_log = structlog.get_logger("log_replay.statement_log")


class SocketHandler(LineHandler):
    """Send whole lines to a listener, and reconnect when the connection is lost.

    ``flush_lines()`` and ``close()`` wait until the listener has read everything. A listener that is killed loses what
    it has read but not yet stored, and this handler cannot detect that. Configure the listener with a disk buffer.

    Args:
        address: ``tcp://HOST:PORT`` or ``unix:PATH``.
        buffer_bytes: maximum size of the lines that the listener has not confirmed.
        on_full: what to do when the buffer is full and the listener does not answer. ``block`` waits for the listener,
            and raises an error after the timeout; ``count`` discards the statement and counts it as lost.
        timeout_seconds: time without an answer after which the listener is considered unavailable. Default: 600 with
            ``block``, 30 with ``count``. ``close()`` waits at most 30 s before it counts what is left as lost.
    """

    def __init__(
        self,
        address: str,
        *,
        buffer_bytes: int = 16 << 20,
        on_full: Literal["block", "count"] = "block",
        timeout_seconds: float | None = None,
    ) -> None:
        super().__init__()
        if on_full not in _DEFAULT_TIMEOUT_SECONDS:
            raise ConfigurationError(f"on_full {on_full!r} is not one of block, count", operation="connect")
        parse_address(address)
        self.address = address
        self.buffer_bytes = buffer_bytes
        self.on_full = on_full
        self.timeout_seconds = _DEFAULT_TIMEOUT_SECONDS[on_full] if timeout_seconds is None else timeout_seconds
        self._connection: Connection | None = None
        self._unsent: deque[bytes] = deque()
        self._unconfirmed: deque[bytes] = deque()
        self._buffer_used_bytes = 0
        self._delay_seconds = 0.0
        self._next_attempt = 0.0
        self._unavailable = False

    def check(self) -> None:
        """Connect to the listener.

        Raises:
            ConfigurationError: the listener does not answer.
        """
        with self._locked():
            try:
                self._connection = Connection(self.address, self.timeout_seconds)
            except OSError as error:
                raise ConfigurationError(
                    connection_failure(error),
                    operation="connect to",
                    object=self.address,
                    hint="start the listener before the run, and check --log_to",
                ) from error

    def write_lines(self, lines: Text) -> None:
        """Send whole lines, or keep them until the listener is available.

        Raises:
            DestinationNotResponding: with ``block``, the buffer is full and the listener has not answered in time.
        """
        for line in bytes(lines).split(b"\n")[:-1]:
            if self._buffer_used_bytes + len(line) + 1 > self.buffer_bytes and not self._make_room(len(line) + 1):
                self._count_lost(1)
                continue
            self._unsent.append(line + b"\n")
            self._buffer_used_bytes += len(line) + 1
        self._send()

    def flush_lines(self) -> int:
        """Wait until the listener has read everything; return the number of statements lost since the last call.

        Raises:
            DestinationNotResponding: with ``block``, the listener has not answered in time.
        """
        with self._locked():
            if not self._deliver_all(self._wait_seconds()):
                self._raise_if_blocking()
                self._give_up()
        return super().flush_lines()

    def discard(self) -> None:
        """Disconnect, and discard the lines that the listener has not confirmed."""
        super().discard()
        with self._locked():
            self._disconnect()
            self._clear_buffer()

    def close(self) -> None:
        """Wait until the listener has read everything, at most 30 s; count the remaining statements as lost."""
        with self._locked():
            self.on_full = "count"
            self.timeout_seconds = min(self.timeout_seconds, _MAX_CLOSE_SECONDS)
            if not self._deliver_all(self.timeout_seconds):
                self._give_up()
            self._disconnect()
        super().close()

    def _wait_seconds(self) -> float:
        """Return how long to wait for the listener: not at all if the last wait failed."""
        return 0.0 if self._unavailable else self.timeout_seconds

    def _make_room(self, line_bytes: int) -> bool:
        """Make room in the buffer for a line; return False if the line must be counted as lost."""
        if self._deliver_all(self._wait_seconds()) or self._buffer_used_bytes + line_bytes <= self.buffer_bytes:
            return True
        self._raise_if_blocking()
        self._unavailable = True
        return False

    def _deliver_all(self, timeout_seconds: float) -> bool:
        """Send everything and have it confirmed; return False if this fails until the timeout."""
        wait: Wait | None = None
        while self._buffer_used_bytes:
            self._send()
            if self._connection and not self._unsent and self._confirm(self._connection):
                break
            wait = wait or Wait(self.address, timeout_seconds)
            if wait.is_over:
                return False
            time.sleep(max(0.0, min(self._next_attempt - time.monotonic(), wait.step_seconds)))
            wait.warn_if_due()
        return True

    def _send(self) -> None:
        """Send the unsent lines while the listener is available."""
        while self._unsent and (connection := self._connected()):
            batch = self._next_batch()
            try:
                connection.send(b"".join(batch))
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

    def _connected(self) -> Connection | None:
        """Return the connection, after a new attempt if one is due."""
        if self._connection or time.monotonic() < self._next_attempt:
            return self._connection
        try:
            self._connection = Connection(self.address, self.timeout_seconds)
        except OSError as error:
            self._lose_connection(error, connected=False)
        else:
            self._unavailable = False
        return self._connection

    def _confirm(self, connection: Connection) -> bool:
        """End the connection; return True if the listener has read everything that was sent over it."""
        try:
            connection.end()
        except OSError as error:
            self._lose_connection(error)
            return False
        self._disconnect()
        self._unconfirmed.clear()
        self._buffer_used_bytes = sum(map(len, self._unsent))
        self._delay_seconds = 0.0
        return True

    def _lose_connection(self, error: OSError, *, connected: bool = True) -> None:
        """Queue the unconfirmed lines again, and increase the delay before the next attempt."""
        self._disconnect()
        if not self._delay_seconds:
            reason = connection_failure(error)
            _log.warning("connection to the listener lost, retrying", listener=self.address, reason=reason)
        self._unsent.extendleft(reversed(self._unconfirmed))
        self._unconfirmed.clear()
        self._delay_seconds = min(max(2 * self._delay_seconds, _FIRST_DELAY_SECONDS), _MAX_DELAY_SECONDS)
        self._next_attempt = time.monotonic() + self._delay_seconds
        if connected and isinstance(error, TimeoutError):
            # A connected listener that reads nothing was waited for already.
            self._raise_if_blocking()

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _raise_if_blocking(self) -> None:
        if self.on_full == "block":
            raise DestinationNotResponding(
                f"the listener has not answered for {self.timeout_seconds:g} s",
                operation="send to",
                object=self.address,
                hint="start the listener again; --log_timeout_secs sets how long a run waits",
            )

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
