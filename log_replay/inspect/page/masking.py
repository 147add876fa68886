"""Mask examples: keys and structure stay, and of the values only those that describe the event, not the learner."""

from __future__ import annotations

import json
import re
from typing import Any

#: The keys whose text stays, outside the data of the event and outside people.
_PLAIN_KEYS = frozenset(
    {"name", "event_type", "event_source", "time", "timestamp", "course_id", "org_id", "objectType", "version"}
    | {"action", "profile", "dataVersion", "sendTime", "eventTime", "duration"}
)
#: Texts that stay everywhere: ids of courses and blocks, and IRIs of vocabularies.
_PLAIN_TEXT = re.compile(
    r"(?:https?://[^/\s?#@]+/(?:course|xblock)/)?(?:course|block)-v1:[\w.~+@:-]+"
    r"|https?://(?:adlnet\.gov|w3id\.org|id\.tincanapi\.com|activitystrea\.ms|purl\.imsglobal\.org|vocab\.xapi\.fr)/[\w./:#-]*"
)
#: Below these keys other texts do not stay: what people did and wrote, and who they are.
_PERSONAL_KEYS = frozenset(
    {"event", "data", "actor", "object", "result", "extensions", "context_data", "module", "agent"}
)
_LONGEST_KEY = 80
_MOST_ENTRIES = 20
MASK = "•••"


def masked(value: Any, key: str = "", *, personal: bool = False) -> Any:
    """Return a JSON value without learner data.

    Args:
        value: the value.
        key: the key of the value.
        personal: True below a key with personal data.
    """
    if key == "event":
        value = _parsed(value)
    if isinstance(value, dict):
        if key == "verb":
            return value
        below = personal or key in _PERSONAL_KEYS
        return {_masked_key(name): masked(one, name, personal=below) for name, one in value.items()}
    if isinstance(value, list):
        return [masked(one, key, personal=personal) for one in value[:_MOST_ENTRIES]]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and (_PLAIN_TEXT.fullmatch(value) or (key in _PLAIN_KEYS and not personal)):
        return value
    return MASK


def _parsed(value: Any) -> Any:
    """Return the data of an event that a browser has posted as JSON."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _masked_key(name: str) -> str:
    # Keys are ids of inputs, and IRIs of vocabularies. Something longer may be what a learner wrote.
    return name if len(name) <= _LONGEST_KEY and not any(mark in name for mark in "@ ") else MASK
