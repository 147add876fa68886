"""Transform events into statements: natively (``native``), or with event-routing-backends' own code (``upstream``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from log_replay.errors import RejectError

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.identities.cache import IdentityCache
    from log_replay.records import Event, Rejected, Statement, TransformedEvent
    from log_replay.statements.native.recipes import LineRecipes


class Transformer(Protocol):
    """Transforms events into statements of one type (xAPI or Caliper)."""

    @property
    def names(self) -> frozenset[str]:
        """The names of the events that give statements: those in both the whitelist and the registry."""

    @property
    def username_first(self) -> bool:
        """How the installed event-routing-backends finds the user of an event; see ``events.subjects.user_of``."""

    def line_recipes(self, identities: IdentityCache) -> LineRecipes | None:
        """Return the recipes for transforming lines in C code; None if there are none."""

    def count_native(self, number: int) -> None:
        """Count events that C code transformed."""

    @property
    def verifies(self) -> bool:
        """True if a sample of the events is compared with upstream's statements."""

    def verify(self, event: Event, identities: Identities, result: TransformedEvent | Rejected) -> None:
        """Compare a result of C code with upstream's, if the event is in the sample."""

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


#: The messages of Python's own exceptions that name nothing but code: a key, or the types of values.
_FIELD = re.compile(r"[A-Za-z][A-Za-z_]{0,39}")
_NO_OBJECT = re.compile(r"'NoneType' object|NoneType|argument of type 'NoneType'")


def reject_detail(error: Exception) -> str | None:
    """Return what is wrong with the event in words, if the error tells it without learner data."""
    if isinstance(error, RejectError):
        return error.detail
    message = str(error.args[0]) if error.args else ""
    if isinstance(error, KeyError) and _FIELD.fullmatch(message):
        return f"the field {message} is missing"
    if isinstance(error, AttributeError | TypeError) and _NO_OBJECT.search(message):
        return "a part of the event is missing or null"
    return None
