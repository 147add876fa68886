"""Whom and what an event's transformers will ask for, found as event-routing-backends finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from log_replay.records import EventFields


def user_wanted(fields: EventFields) -> Any:
    """Return the user that an event is about (ERB: ``BaseTransformerMixin.extract_username_or_userid``)."""
    data = fields.get("data")
    if isinstance(data, dict):
        found = data.get("user_id") or data.get("username")
        if found:
            return found
    try:
        return _nested(fields, "user_id") or _nested(fields, "username")
    except RecursionError:  # upstream stumbles over it as well, and its event is rejected
        return None


def course_wanted(fields: EventFields) -> Any:
    """Return the course that an event happened in."""
    context = fields.get("context")
    return context.get("course_id") if isinstance(context, dict) else None


def _nested(fields: EventFields, key: str) -> Any:
    """Find a key at any depth, as ERB's ``find_nested``: a dict's own key first, then depth first."""
    if key in fields:
        return fields[key]
    for value in fields.values():
        if isinstance(value, dict):
            found = _nested(value, key)
            if found is not None:
                return found
    return None
