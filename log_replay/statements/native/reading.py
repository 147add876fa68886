"""What an event says, looked up as event-routing-backends looks it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from log_replay.records import EventFields

#: Deeper than any event; what lies deeper is left to upstream and its recursion limit.
MAX_DEPTH = 50


class Unusual(Exception):
    """An event of a shape for which the native functions do not answer: upstream decides what becomes of it."""


class UpstreamRejects(ValueError):
    """Upstream rejects such an event, for this reason.

    Only raised where upstream would not have stumbled over anything else before.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def look(fields: EventFields, section: str, key: str) -> Any:
    """Return what stands under ``section.key``; None where it is missing or empty (zero and False are not)."""
    holder = fields.get(section)
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if value or value == 0 else None


def find(fields: EventFields, key: str) -> Any:
    """Return what the first ``key`` says, at the top or else depth first; None where it is missing or empty."""
    value = fields[key] if key in fields else _find_below(fields, key, 0)
    return value if value or value == 0 else None


def required(value: Any) -> Any:
    """Return the value, which upstream would not make a statement without."""
    if value is None:
        raise Unusual
    return value


def text(value: Any) -> str:
    """Return the value, which upstream would only take as a string, or stumble over."""
    if not isinstance(value, str):
        raise Unusual
    return value


def acting_user(fields: EventFields) -> Any:
    """Return the id or name of the user whom the event is about: whom its data names, before who caused it."""
    data = fields.get("data")
    user = (data.get("user_id") or data.get("username")) if isinstance(data, dict) else None
    user = user or find(fields, "user_id") or find(fields, "username")
    # Upstream's own words for nobody do not tell these from None.
    if user is not None and (type(user) not in (int, str) or not user or user == "None"):
        raise Unusual
    return user


def _find_below(branch: dict[str, Any], key: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Unusual
    for value in branch.values():
        if isinstance(value, dict):
            found = value[key] if key in value else _find_below(value, key, depth + 1)
            if found is not None:
                return found
    return None
