"""Event -> statements, by event-routing-backends itself (upstream.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event, Statement


class Transformer(Protocol):
    """Makes statements of one kind (xAPI or Caliper) of events."""

    @property
    def names(self) -> frozenset[str]:
        """The event names that give statements: whitelisted, and known to the registry."""

    def transform(self, event: Event, identities: Identities) -> tuple[Statement, ...]:
        """Return the event's statements, at least one.

        Raises:
            Exception: any; the event is then rejected, for the error's ``reason`` or else its type's name.
        """
