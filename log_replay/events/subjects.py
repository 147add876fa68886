"""The user and the course of an event, found as event-routing-backends finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from log_replay.records import EventFields

#: No real event is nested deeper. Deeper ones are left to upstream's code and its recursion limit.
MAX_DEPTH = 50
#: The user of an event that is nested too deep to search. No database has it.
UNREADABLE_USER = object()


class TooDeep(Exception):
    """An event is nested deeper than ``MAX_DEPTH``."""


def user_of(fields: EventFields, *, username_first: bool = False) -> Any:
    """Return the user id or username of an event (ERB: ``BaseTransformerMixin.extract_username_or_userid``).

    The value may have any JSON type. It is false if the event has no user, and ``UNREADABLE_USER`` if the event is
    nested too deep.

    Args:
        fields: the event.
        username_first: True for the order of ERB before 9.3.6, which prefers usernames to ids, and the whole event to
            its data.
    """
    try:
        if username_first:
            return (
                _first_true(fields, "username", "user_id")
                or _in_section(fields, "data", "username", "user_id")
                or _in_section(fields, "context", "username", "user_id")
            )
        return _in_section(fields, "data", "user_id", "username") or _first_true(fields, "user_id", "username")
    except TooDeep:
        return UNREADABLE_USER


def _in_section(fields: EventFields, section: str, key: str, other_key: str) -> Any:
    """Return the value of the first of two keys that has a true value in a section, if that is an object."""
    holder = fields.get(section)
    return (holder.get(key) or holder.get(other_key)) if isinstance(holder, dict) else None


def _first_true(fields: EventFields, key: str, other_key: str) -> Any:
    return first(fields, key) or first(fields, other_key)


def course_of(fields: EventFields) -> Any:
    """Return the course id in the context of an event, or None."""
    context = fields.get("context")
    return context.get("course_id") if isinstance(context, dict) else None


def first(fields: EventFields, key: str) -> Any:
    """Return the value of the first such key (ERB: ``find_nested``), depth first: a dict's own keys before nested ones.

    Raises:
        TooDeep: the key was not found within ``MAX_DEPTH`` levels.
    """
    return fields[key] if key in fields else _first_below(fields, key, 0)


def _first_below(parent: dict[str, Any], key: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise TooDeep
    for value in parent.values():
        if value and isinstance(value, dict):
            found = value[key] if key in value else _first_below(value, key, depth + 1)
            if found is not None:
                return found
    return None
