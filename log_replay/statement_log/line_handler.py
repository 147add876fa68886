"""What our handlers share: whole lines of bytes, many in one write while a block is being logged."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from log_replay.statement_log.formatters import AspectsFormatter, JsonFormatter, LineFormatter, RawFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from log_replay.records import Text, TransformedEvent

BLOCK_FORMATTERS = (AspectsFormatter, JsonFormatter, RawFormatter)
#: Written at once at most: more than the statements of a block of ordinary lines.
HELD_BYTES = 1 << 20


class LineHandler(logging.Handler):
    """A handler that writes whole lines of bytes.

    Within ``block()`` lines are held and written together, and an error goes to whoever logs the block, for the run
    must not go on as if nothing were lost. Outside, each record is written at once, and an error is treated as
    ``logging`` treats any handler's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held_bytes = HELD_BYTES
        self.lost = 0
        self._lines: list[Text] = []
        self._bytes = 0
        self._blocks = 0

    def line(self, record: logging.LogRecord) -> bytes:
        """Return the record as one line, without its line end."""
        if isinstance(self.formatter, LineFormatter):
            return self.formatter.line(record)
        return self.format(record).encode("utf-8", "backslashreplace")

    @property
    def takes_blocks(self) -> bool:
        """Whether lines can be made a block at a time: nobody handles records in a way of their own."""
        return (
            type(self.formatter) in BLOCK_FORMATTERS
            and not self.filters
            and type(self).line is LineHandler.line
            and type(self).emit is LineHandler.emit
            and type(self).handle is LineHandler.handle
        )

    def hold_block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> None:
        """Hold the lines of a block of events, as if each of their records had been emitted, within ``block()``."""
        formatter = cast("LineFormatter", self.formatter)
        with self._held():
            lines = formatter.block(template, events)
            if self._bytes + len(lines) <= self.held_bytes:
                self._hold(lines)
            else:
                for line in bytes(lines).split(b"\n")[:-1]:
                    self._hold(line + b"\n")

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or hold it until its block is over."""
        try:
            self._hold(self.line(record) + b"\n")
            if not self._blocks:
                self._write_held()
        except Exception:
            if self._blocks:
                raise
            self.handleError(record)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Hold lines while a block is logged; a block that fails leaves none behind.

        Raises:
            Stopped: nobody reads any more.
            DestinationUnavailable: the destination takes nothing any more.
        """
        with self._held():
            self._blocks += 1
        try:
            yield
            with self._held():
                self._write_held()
        finally:
            with self._held():
                self._blocks -= 1
                if not self._blocks:
                    self._take()

    def write_lines(self, lines: Text) -> None:
        """Write whole lines, with their line ends, or copy them; called with the handler's lock held."""
        raise NotImplementedError

    def settle(self) -> int:
        """Make sure of what was written, and return how many statements were lost since this was last asked."""
        with self._held():
            lost, self.lost = self.lost, 0
        return lost

    def abandon(self) -> None:
        """Let go of what is not written yet, without waiting: its run was stopped, and says so itself."""
        with self._held():
            self._take()

    @contextmanager
    def _held(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _hold(self, lines: Text) -> None:
        if self._bytes + len(lines) > self.held_bytes:
            self._write_held()
        self._lines.append(lines)
        self._bytes += len(lines)

    def _write_held(self) -> None:
        lines = self._take()
        if lines:
            self.write_lines(lines)

    def _take(self) -> Text:
        lines, self._lines, self._bytes = self._lines, [], 0
        return lines[0] if len(lines) == 1 else b"".join(lines)
