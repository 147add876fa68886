"""Transform events into statements: natively (``native``), or with event-routing-backends' own code (``upstream``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from log_replay.errors import RejectError

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event, Statement


class Transformer(Protocol):
    """Transforms events into statements of one type (xAPI or Caliper)."""

    @property
    def names(self) -> frozenset[str]:
        """The names of the events that give statements: those in both the whitelist and the registry."""

    @property
    def username_first(self) -> bool:
        """How the installed event-routing-backends finds the user of an event; see ``events.subjects.user_of``."""

    def transform(self, event: Event, identities: Identities) -> tuple[Statement, ...]:
        """Return the event's statements, at least one.

        Raises:
            Exception: the event is rejected; see ``reject_reason``.
        """


def reject_reason(error: Exception) -> str:
    """Return the reject reason of an event whose transform raised this error."""
    if isinstance(error, RejectError):
        return error.reason
    # A lone surrogate, which JSON can escape, but UTF-8 cannot encode.
    return "lone_surrogate" if isinstance(error, UnicodeEncodeError) else type(error).__name__
