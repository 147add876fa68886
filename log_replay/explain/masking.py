"""Mask what names a person: usernames and email addresses."""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "(masked)"
#: A usage key has two at signs, so it is no email address.
_MAIL = re.compile(r"(mailto:)?[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")


def masked_user(value: Any) -> str:
    """Return how an event names its user: ids are shown, and usernames are not."""
    if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
        return f"id {value}"
    return f"a username of {len(value)} characters {MASK}" if isinstance(value, str) else f"a {_kind(value)}"


def shown_user(value: Any) -> str:
    """Return how an event names its user, with the username."""
    if isinstance(value, str) and not value.isdecimal():
        return f"username {value!r}"
    return masked_user(value)


def pretty_json(text: bytes, usernames: set[str], *, with_content: bool) -> tuple[str, bool]:
    """Return JSON with one property a line, and whether something in it was masked.

    Args:
        text: the JSON of a statement.
        usernames: the usernames to mask.
        with_content: mask nothing.
    """
    value = json.loads(text)
    shown = value if with_content else _masked(value, usernames)
    return json.dumps(shown, indent=2, ensure_ascii=False), shown != value


def _masked(value: Any, usernames: set[str]) -> Any:
    if isinstance(value, str):
        return MASK if value in usernames or _MAIL.fullmatch(value) else value
    if isinstance(value, dict):
        return {key: _masked(part, usernames) for key, part in value.items()}
    return [_masked(part, usernames) for part in value] if isinstance(value, list) else value


def _kind(value: Any) -> str:
    return {dict: "JSON object", list: "JSON array", float: "decimal number", bool: "boolean"}.get(type(value), "value")
