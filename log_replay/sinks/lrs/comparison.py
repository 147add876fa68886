"""Whether an LRS's statement is ours: xAPI 1.0.3, 2.3.1, says what an LRS may have added or spelled differently."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

#: The LRS sets these, or adds them where they are missing.
_OF_THE_LRS = frozenset({"id", "stored", "authority", "version"})
#: Not part of a statement: an LRS may give what it knows of the activity or the verb instead.
_DEFINITIONS = frozenset({"definition", "display"})
_CONTEXT_ACTIVITIES = frozenset({"parent", "grouping", "category", "other"})
_TIMES = frozenset({"timestamp"})
_DEFAULT_TYPES = frozenset({"Agent", "Activity"})
_MICROSECONDS = 1000


def same_statement(ours: Any, theirs: Any) -> bool:
    """Return whether two statements of one id mean the same."""
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return False
    return bool(_meaning(ours, whole=True) == _meaning(theirs, whole=True))


def _meaning(value: Any, *, whole: bool = False) -> Any:
    if isinstance(value, list):
        return [_meaning(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _field(key, inner)
        for key, inner in value.items()
        if key not in _DEFINITIONS
        and not (whole and key in _OF_THE_LRS)
        and not (key == "objectType" and inner in _DEFAULT_TYPES)
    }


def _field(key: str, value: Any) -> Any:
    if key == "extensions":
        return value
    if key in _TIMES and isinstance(value, str):
        return _moment(value)
    if key in _CONTEXT_ACTIVITIES and isinstance(value, dict):
        return [_meaning(value)]  # a single one may be returned as an array
    return _meaning(value)


def _moment(text: str) -> object:
    """Return the moment that a text names, in milliseconds, which is all that an LRS must keep."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // _MICROSECONDS * _MICROSECONDS)
