"""Compare native statements with upstream's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from log_replay.statements import reject_reason

if TYPE_CHECKING:
    from log_replay.records import Statement


def same_statements(ours: tuple[Statement, ...] | Exception, theirs: tuple[Statement, ...] | Exception) -> bool:
    """Return True for equal statements, whatever the order of their keys, and for rejects with the same reason."""
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
    """Return JSON in which 1, 1.0 and true differ. For Python they are equal."""
    parsed: Any = json.loads(text)
    return json.dumps(parsed, sort_keys=True)
