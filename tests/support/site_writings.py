"""Text of events in a log file: as the LMS writes it, and as other releases and log collectors write it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

Writing = Callable[[dict[str, Any], random.Random], str]


def as_the_lms(raw: dict[str, Any], _: random.Random) -> str:
    return json.dumps(raw) + "\n"


def unescaped(raw: dict[str, Any], _: random.Random) -> str:
    """Return a line with characters of all scripts instead of escapes."""
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":")) + "\n"


def with_prefix(raw: dict[str, Any], _: random.Random) -> str:
    """Return a line with the prefix of the LMS's log formatter, as in the output of containers."""
    user = raw["context"].get("user_id") if isinstance(raw.get("context"), dict) else None
    where = f"[tracking] [user {user}] [ip 172.18.0.1] logger.py:41 - "
    return f"2026-03-02 08:15:27,113 INFO 17 {where}{json.dumps(raw)}\n"


def with_carriage_return(raw: dict[str, Any], _: random.Random) -> str:
    return json.dumps(raw) + "\r\n"


def by_python_2(raw: dict[str, Any], order: random.Random) -> str:
    """Return a line with keys in another order. Python 2 writes them in the order of their hashes."""
    return json.dumps(reordered(raw, order)) + "\n"


def reordered(value: Any, order: random.Random) -> Any:
    if isinstance(value, list):
        return [reordered(one, order) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: reordered(value[key], order) for key in order.sample(list(value), len(value))}
