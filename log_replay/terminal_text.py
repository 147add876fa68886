"""Escape text from logs, object names and responses before it is shown to people."""

from __future__ import annotations

import re

#: Control characters, separators of lines, changes of the writing direction, and surrogates, which cannot be encoded.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAFE_BUT_LINE_ENDS = re.compile(_UNSAFE.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))


def escape_controls(text: str, *, keep_line_ends: bool = False) -> str:
    r"""Return the text with escapes such as ``\x1b`` for characters that a terminal would interpret.

    Args:
        text: the text.
        keep_line_ends: whether the text has lines that must stay apart.
    """
    return (_UNSAFE_BUT_LINE_ENDS if keep_line_ends else _UNSAFE).sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
