"""Where statements go: one protocol, one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.records import Delivery, EventFields, TransformedEvent


class Sink(Protocol):
    """A destination. It is given whole batches, in order, and returns once each is safe or refused."""

    def check(self) -> None:
        """Find out whether the destination can be written to, leaving nothing behind.

        Raises:
            ConfigurationError: it cannot.
        """

    def routes(self, fields: EventFields) -> int:
        """Return which of this sink's routes want the event's statements, a bit each (``ALL_ROUTES``: any)."""

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Deliver a batch and return what became of its statements, once the destination acknowledged.

        Raises:
            DestinationLost: it cannot take anything any more; nothing of this batch counts as delivered.
        """

    def close(self, *, complete: bool) -> None:
        """Finish: write the manifest of a complete run, leave no half-written file behind otherwise."""
