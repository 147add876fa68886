"""The cheap "can this line matter?" test, for a whole block, and what to call the lines that cannot."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from log_replay import _speedups
from log_replay.records import lines_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay._speedups import Place
    from log_replay.records import LineBlock

#: Every value that a key called ``name`` has, at any depth, unless it is spelled with escapes.
NAMES = re.compile(rb'"name"\s*:\s*"([^"\\]*)"')
#: That key, found by its rarest letter first: a third faster than by the whole of it.
NAME_KEY = re.compile(rb'me"(?<="name")')
#: An escaped ASCII character could be part of ``"name"`` or of a known name: such a line must be parsed.
ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
#: A name that JSON has no short escapes for. Third parties may register others; then every line is parsed.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
#: How the LMS begins an event: with its name.
LEAD = b'{"name": "'
LEADING_NAME = re.compile(rb'\{\s*"name"\s*:\s*"([^"\\]*)"')
EVENT_TYPE = re.compile(rb'"event_type"\s*:\s*"([^"\\]*)"')
# A run of 19 digits may be an integer that does not fit 64 bits. Translating the line and looking for that many zeros
# takes a fifteenth of the time that a regex takes.
DIGITS_TO_ZERO = bytes(ord("0") if byte in b"0123456789" else ord(".") for byte in range(256))
LONG_DIGITS = b"0" * 19
#: A name that can be shown: nothing that a learner typed looks like this by accident and is counted as a name.
SHOWABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,99}")
URL_NAME = "(URL)"
OTHER_NAME = "(other)"


class ClassifiedLines(NamedTuple):
    """A block's lines by what must become of them; places are offsets in its text.

    ``events`` are the lines that must be parsed: where each begins and ends, and whether ``is_plain`` holds for it.
    ``broken`` are those that hold no JSON object. ``unknown`` counts all others by what they seem to call their events,
    with all URLs as ``/``: for counting only, so a guess is enough.
    """

    lines: int
    blank: int
    broken: Sequence[int]
    unknown: Mapping[bytes, int]
    events: Sequence[Place]


class Prefilter:
    r"""Tells which lines can be events with one of these names. Sound: no line that it lets go is one.

    JSON can spell a plain name only as itself or with ``\u00XX`` escapes: no shorter escape exists for its characters.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self._names = frozenset(name.encode() for name in names)
        self._all_plain = all(PLAIN_NAME.fullmatch(name) for name in names)

    def classify(self, block: LineBlock) -> ClassifiedLines:
        """Tell a block's lines apart."""
        if _speedups.classify_lines and self._all_plain and block.wanted is None:
            return ClassifiedLines._make(_speedups.classify_lines(block.text, self._names))
        return self.classify_in_python(block)

    def classify_in_python(self, block: LineBlock) -> ClassifiedLines:
        """Do the same as ``sifting.c`` does, at ten times its cost."""
        lines = blank = 0
        broken, events, unknown = list[int](), list["Place"](), Counter[bytes]()
        for line, offset in lines_of(block):
            lines += 1
            begin = offset - block.start
            label = self._label(line)
            if label is None:
                events.append((begin, begin + len(line), is_plain(line)))
            elif (stripped := line.rstrip()).endswith(b"}") and stripped.find(b"{") >= 0:
                unknown[label] += 1
            elif stripped:
                broken.append(begin)
            else:
                blank += 1
        return ClassifiedLines(lines, blank, broken, unknown, events)

    def _label(self, line: bytes) -> bytes | None:
        """Return what a line that cannot matter seems to call its event, or None if the line can matter."""
        # The searches are chosen and ordered by what they cost, and a line with a known name, which must be parsed
        # whatever else is in it, needs none of them.
        quote = line.find(b'"', len(LEAD)) if line.startswith(LEAD) else -1
        name = line[len(LEAD) : quote] if quote >= 0 else None
        if name in self._names or not self._all_plain:
            return None
        behind = 0 if name is None else len(LEAD)
        if NAME_KEY.search(line, behind) and not self._names.isdisjoint(NAMES.findall(line, behind)):
            return None
        if _has_escaped_ascii(line):
            return None
        if name is None:
            spelled = LEADING_NAME.match(line, max(line.find(b"{"), 0)) or EVENT_TYPE.search(line)
            name = spelled[1] if spelled else b""
        return b"/" if name.startswith(b"/") else name


def _has_escaped_ascii(line: bytes) -> bool:
    escape = line.find(b"\\")
    return escape >= 0 and ESCAPED_ASCII.search(line, escape) is not None


def is_plain(line: bytes) -> bool:
    """Return whether no integer in a line can be beyond 64 bits, nor any in JSON that one of its strings holds."""
    return line.translate(DIGITS_TO_ZERO).rfind(LONG_DIGITS) < 0 and not _has_escaped_ascii(line)


def showable(name: str) -> str:
    """Return an event's name as it may be shown: URLs as one, and nothing that somebody could have typed."""
    if name.startswith("/"):
        return URL_NAME
    return name if SHOWABLE_NAME.fullmatch(name) else OTHER_NAME
