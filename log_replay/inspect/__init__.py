"""Inspection: what is in the logs, what would come out of them, what would not, and how long that would take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from log_replay.records import BlockResult, Unit


class BlockObserver(Protocol):
    """Sees what a dry run reads."""

    def begin(self, unit: Unit) -> None:
        """Begin a unit."""

    def add(self, result: BlockResult) -> None:
        """Take the result of a block of the unit."""
