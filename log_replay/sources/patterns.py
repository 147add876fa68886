"""Patterns of names: ``*`` and ``?`` within a folder, ``**`` across folders, and ``[...]``."""

from __future__ import annotations

import re

_MAGIC = re.compile(r"[*?[]")
_PARTS = re.compile(r"(\*\*/)|(\*\*)|(\*)|(\?)|(\[[!^]?\]?[^\]]*\])", re.DOTALL)


def has_magic(text: str) -> bool:
    """Return True if a text is a pattern."""
    return _MAGIC.search(text) is not None


def fixed_beginning(pattern: str) -> str:
    """Return the part of a pattern before its first special character."""
    found = _MAGIC.search(pattern)
    return pattern[: found.start()] if found else pattern


def compiled(pattern: str) -> re.Pattern[str]:
    """Return the regular expression for a pattern of names in a bucket."""
    expression, end = "", 0
    for part in _PARTS.finditer(pattern):
        expression += re.escape(pattern[end : part.start()])
        expression += _translated(part)
        end = part.end()
    return re.compile(expression + re.escape(pattern[end:]), re.DOTALL)


def _translated(part: re.Match[str]) -> str:
    if characters := part[5]:
        inner = characters[1:-1].replace("\\", r"\\").replace("[", r"\[")
        inner = f"^{inner[1:]}" if inner[:1] in {"!", "^"} else inner
        return f"[{inner.replace(']', chr(92) + ']')}]"
    return ("(?:.*/)?", ".*", "[^/]*", "[^/]")[part.lastindex - 1 if part.lastindex else 0]
