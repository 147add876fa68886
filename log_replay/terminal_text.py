"""Escape text from logs, object names and responses before it is shown to people."""

from __future__ import annotations

import re
import shlex

#: Control characters, separators of lines, changes of the writing direction, and surrogates, which cannot be encoded.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: The first of the characters by which Python stands for bytes that cannot be decoded.
_UNDECODABLE = 0xDC80
_UNSAFE_BUT_LINE_ENDS = re.compile(_UNSAFE.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))


def escape_controls(text: str, *, keep_line_ends: bool = False) -> str:
    r"""Return the text with escapes such as ``\x1b`` for characters that a terminal would interpret.

    Args:
        text: the text.
        keep_line_ends: whether the text has lines that must stay apart.
    """
    return (_UNSAFE_BUT_LINE_ENDS if keep_line_ends else _UNSAFE).sub(_escape, text)


def shell_quoted(word: str) -> str:
    r"""Return a word as a shell reads it: quoted if necessary, and as ``$'a\x1b'`` if it has control characters."""
    if not _UNSAFE.search(word):
        return shlex.quote(word)
    escaped = _UNSAFE.sub(_shell_escape, word.replace("\\", "\\\\").replace("'", "\\'"))
    return f"$'{escaped}'"


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _shell_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if _UNDECODABLE <= code < _UNDECODABLE + 0x80:
        code -= _UNDECODABLE - 0x80  # a byte of a name that is not UTF-8
    elif code >= 0x80:  # noqa: PLR2004 - the end of ASCII
        return f"\\u{code:04x}"
    return f"\\x{code:02x}"
