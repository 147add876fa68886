"""Whom and what an event is about, found as event-routing-backends finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from log_replay.records import EventFields

#: Deeper than any event; what lies deeper is left to upstream and its recursion limit.
MAX_DEPTH = 50
#: Somebody who is named deeper than that.
UNFATHOMED = object()


class TooDeep(Exception):
    """An event goes deeper than ``MAX_DEPTH``."""


def user_of(fields: EventFields) -> Any:
    """Return the id or name of the user (ERB: ``BaseTransformerMixin.extract_username_or_userid``).

    It is whatever the event says: something empty for nobody, and ``UNFATHOMED`` where it lies too deep.
    """
    data = fields.get("data")
    if isinstance(data, dict):
        found = data.get("user_id") or data.get("username")
        if found:
            return found
    try:
        return first(fields, "user_id") or first(fields, "username")
    except TooDeep:
        return UNFATHOMED


def course_of(fields: EventFields) -> Any:
    """Return the id of the course that an event happened in."""
    context = fields.get("context")
    return context.get("course_id") if isinstance(context, dict) else None


def first(fields: EventFields, key: str) -> Any:
    """Return what the first such key says (ERB: ``find_nested``): a dict's own before those below it, depth first.

    Raises:
        TooDeep: it is not found before the search goes too deep.
    """
    return fields[key] if key in fields else _first_below(fields, key, 0)


def _first_below(branch: dict[str, Any], key: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise TooDeep
    for value in branch.values():
        if value and isinstance(value, dict):
            found = value[key] if key in value else _first_below(value, key, depth + 1)
            if found is not None:
                return found
    return None
