"""Write whole lines of bytes: the base class of this package's handlers."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from log_replay.statement_log.formatters import LineFormatter
from log_replay.statement_log.pretty import FORMATTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from log_replay.records import Text, TransformedEvent

BLOCK_FORMATTERS = tuple(FORMATTERS.values())
#: Maximum size of one write. The statements of a block of ordinary lines are smaller.
MAX_WRITE_BYTES = 1 << 20


class LineHandler(logging.Handler):
    """A handler that writes whole lines of bytes.

    Within ``block()`` the handler buffers lines and writes them together. An error is raised to the caller, because the
    run must stop instead of losing statements. Outside ``block()`` the handler writes each record at once, and handles
    an error as ``logging`` does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.max_write_bytes = MAX_WRITE_BYTES
        self.lost = 0
        self._buffered: list[Text] = []
        self._buffered_bytes = 0
        self._open_blocks = 0

    def line(self, record: logging.LogRecord) -> bytes:
        """Return the record as one line, without its line end."""
        if isinstance(self.formatter, LineFormatter):
            return self.formatter.line(record)
        return self.format(record).encode("utf-8", "backslashreplace")

    @property
    def can_format_blocks(self) -> bool:
        """True if no filter, subclass or other formatter needs each record, so that whole blocks can be formatted."""
        return (
            type(self.formatter) in BLOCK_FORMATTERS
            and not self.filters
            and type(self).line is LineHandler.line
            and type(self).emit is LineHandler.emit
            and type(self).handle is LineHandler.handle
        )

    def buffer_block(self, template: logging.LogRecord, events: Sequence[TransformedEvent]) -> None:
        """Buffer the lines of a block of events, within ``block()``; the same as emitting a record for each."""
        formatter = cast("LineFormatter", self.formatter)
        with self._locked():
            lines = formatter.block(template, events)
            if self._buffered_bytes + len(lines) <= self.max_write_bytes:
                self._buffer(lines)
            else:
                for line in lines.split(b"\n")[:-1]:
                    self._buffer(line + b"\n")

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or buffer it within ``block()``."""
        try:
            self._buffer(self.line(record) + b"\n")
            if not self._open_blocks:
                self._write_buffered()
        except Exception:
            if self._open_blocks:
                raise
            self.handleError(record)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Buffer lines while a block is logged, then write them. After an error no line stays in the buffer.

        Raises:
            Stopped: the reader of stdout has closed it.
            DestinationUnavailable: the destination cannot be written to.
        """
        with self._locked():
            self._open_blocks += 1
        try:
            yield
            with self._locked():
                self._write_buffered()
        finally:
            with self._locked():
                self._open_blocks -= 1
                if not self._open_blocks:
                    self._take_buffered()

    def check(self) -> None:
        """Check before a run that the destination can be written to.

        Raises:
            ConfigurationError: it cannot.
        """

    def write_lines(self, lines: Text) -> None:
        """Write whole lines with their line ends, or copy them. The caller holds the handler's lock."""
        raise NotImplementedError

    def flush_lines(self) -> int:
        """Wait until the destination has all lines; return the number of statements lost since the last call."""
        with self._locked():
            lost, self.lost = self.lost, 0
        return lost

    def discard(self) -> None:
        """Discard lines that are not written yet, without waiting: the run was stopped and reports that itself."""
        with self._locked():
            self._take_buffered()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _buffer(self, lines: Text) -> None:
        if self._buffered_bytes + len(lines) > self.max_write_bytes:
            self._write_buffered()
        self._buffered.append(lines)
        self._buffered_bytes += len(lines)

    def _write_buffered(self) -> None:
        lines = self._take_buffered()
        if lines:
            self.write_lines(lines)

    def _take_buffered(self) -> Text:
        lines, self._buffered, self._buffered_bytes = self._buffered, [], 0
        return lines[0] if len(lines) == 1 else b"".join(lines)
