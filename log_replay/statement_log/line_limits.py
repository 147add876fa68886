"""Line limits of the transports between us and Vector: what is longer is cut or dropped on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

    from log_replay.records import Position

#: The longest line of ours that passes whole, by the name of the transport.
LINE_LIMITS = {
    # docker's json-file driver splits at 16 KiB, line end included.
    "docker": 16_384 - 1,
    # Vector drops raw lines over 32 KiB; `2026-11-21T09:12:13.123456789+00:00 stdout F ` stands before ours.
    "kubernetes": 32_768 - 46,
    # Vector's file source drops lines over 100 KiB.
    "vector-file": 102_400,
}
_NAMED = 10
_ENVELOPE_ROOM = 1024


@dataclass(slots=True)
class LineLimit:
    """Counts the statements whose line is longer than a transport takes, and names the first of them.

    They are logged all the same: whoever reads may take them, and a summary says which to look for.
    """

    max_line_bytes: int
    over: int = 0
    first: list[Position] = field(default_factory=list)

    def may_exceed(self, text: bytes, position: Position) -> bool:
        """Whether the statement's line could be too long in any format, its envelope included."""
        return len(text) + len(position.object) + _ENVELOPE_ROOM > self.max_line_bytes

    def check(self, record: logging.LogRecord, handlers: list[logging.Handler], position: Position) -> None:
        """Count the record if the line that any of the handlers makes of it is too long."""
        if any(len(handler.format(record).encode()) > self.max_line_bytes for handler in handlers):
            self.over += 1
            if len(self.first) < _NAMED:
                self.first.append(position)
