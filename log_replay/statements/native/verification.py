"""Whether what was made of an event is what upstream makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from log_replay.records import Statement


def reject_reason(error: Exception) -> str:
    """Return what an event that raises this is rejected for."""
    return getattr(error, "reason", None) or type(error).__name__


def same_statements(ours: tuple[Statement, ...] | Exception, theirs: tuple[Statement, ...] | Exception) -> bool:
    """Return whether both are the same statements, but for the order of keys, or rejects for the same reason."""
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        return (
            isinstance(ours, Exception)
            and isinstance(theirs, Exception)
            and reject_reason(ours) == reject_reason(theirs)
        )
    return len(ours) == len(theirs) and all(
        one[:2] == other[:2] and _canonical(one.text) == _canonical(other.text)
        for one, other in zip(ours, theirs, strict=True)
    )


def _canonical(text: bytes) -> str:
    """Return a spelling that tells 1 from 1.0 and from true, as Python's equality does not."""
    parsed: Any = json.loads(text)
    return json.dumps(parsed, sort_keys=True)
