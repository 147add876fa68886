"""Line limits of the transports between Log Replay and Vector. A transport splits or drops a longer line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_replay.statement_log.formatters import escape_replacement_characters

if TYPE_CHECKING:
    import logging

    from log_replay.records import Position

#: Maximum length of a line, without its line end, by the name of the transport.
LINE_LIMITS = {
    # Docker's json-file driver splits lines at 16 KiB, line end included.
    "docker": 16_384 - 1,
    # Vector drops raw lines over 32 KiB. The runtime adds `2026-11-21T09:12:13.123456789+00:00 stdout F `.
    "kubernetes": 32_768 - 46,
    # Vector's file source drops lines over 100 KiB by default.
    "vector-file": 102_400,
}
MAX_POSITIONS = 10
_MAX_ENVELOPE_BYTES = 1024


@dataclass(slots=True)
class LineLimit:
    """Counts statements whose line is longer than a transport's limit, and keeps the positions of the first ones.

    These statements are logged all the same, because the reader may accept longer lines.
    """

    max_line_bytes: int
    over: int = 0
    first: list[Position] = field(default_factory=list)

    def may_exceed(self, text: bytes, position: Position) -> bool:
        """Return True if the statement's line could be too long in some format, including the envelope."""
        line_bytes = len(escape_replacement_characters(text)) + len(position.object) + _MAX_ENVELOPE_BYTES
        return line_bytes > self.max_line_bytes

    def check(self, record: logging.LogRecord, handlers: list[logging.Handler], position: Position) -> None:
        """Count the record if its line is too long in the format of at least one handler."""
        if any(len(handler.format(record).encode()) > self.max_line_bytes for handler in handlers):
            self.over += 1
            if len(self.first) < MAX_POSITIONS:
                self.first.append(position)
