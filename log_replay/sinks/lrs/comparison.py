"""Comparison of a statement with the one that an LRS returns (xAPI 1.0.3, part 2, section 2.3.1: immutability)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

#: The LRS sets these fields, or adds them if they are missing.
_SET_BY_LRS = frozenset({"id", "stored", "authority", "version"})
#: Not part of the comparison: an LRS may return its own definition of the activity or the verb.
_DEFINITIONS = frozenset({"definition", "display"})
_CONTEXT_ACTIVITIES = frozenset({"parent", "grouping", "category", "other"})
_TIMES = frozenset({"timestamp"})
_DEFAULT_TYPES = frozenset({"Agent", "Activity"})
_MICROSECONDS = 1000


def same_statement(ours: Any, theirs: Any) -> bool:
    """Return True if two statements with the same id have the same meaning.

    Args:
        ours: the statement that was sent.
        theirs: the statement of the LRS.
    """
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return False
    return bool(_normalised(ours, is_statement=True) == _normalised(theirs, is_statement=True))


def _normalised(value: Any, *, is_statement: bool = False) -> Any:
    if isinstance(value, list):
        return [_normalised(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _field(key, inner)
        for key, inner in value.items()
        if key not in _DEFINITIONS
        and not (is_statement and key in _SET_BY_LRS)
        and not (key == "objectType" and inner in _DEFAULT_TYPES)
    }


def _field(key: str, value: Any) -> Any:
    if key == "extensions":
        return value
    if key in _TIMES and isinstance(value, str):
        return _moment(value)
    if key in _CONTEXT_ACTIVITIES and isinstance(value, dict):
        return [_normalised(value)]  # an LRS may return a single activity as an array
    return _normalised(value)


def _moment(text: str) -> object:
    """Return a time with a precision of milliseconds: an LRS may drop further digits."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // _MICROSECONDS * _MICROSECONDS)
