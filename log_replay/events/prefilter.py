"""Prefilter: classify the lines of a block without parsing them, so that only possible known events are parsed."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from log_replay import _speedups
from log_replay.records import LineBlock, joined_lines, lines_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay._speedups import LineSpan, Text

#: The values of all keys called ``name``, at any depth, that are written without escapes.
NAMES = re.compile(rb'"name"\s*:\s*"([^"\\]*)"')
#: That key. To search for its rarest letter first takes a third less time than to search for the whole key.
NAME_KEY = re.compile(rb'me"(?<="name")')
#: An escaped ASCII character may be part of ``"name"`` or of a known name: such a line must be parsed.
ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
#: A name in which no character has a short escape in JSON. If a plugin registers another name, every line is parsed.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
#: The start of an event as the LMS writes it: the event name comes first.
LMS_START = b'{"name": "'
NAME_FIRST = re.compile(rb'\{\s*"name"\s*:\s*"([^"\\]*)"')
EVENT_TYPE = re.compile(rb'"event_type"\s*:\s*"([^"\\]*)"')
# A run of 19 digits may be an integer that does not fit into 64 bits. To translate the line and search for 19 zeros
# takes a fifteenth of the time of a regex.
DIGITS_TO_ZERO = bytes(ord("0") if byte in b"0123456789" else ord(".") for byte in range(256))
LONG_DIGITS = b"0" * 19
#: An event name that is safe to show: text that a learner typed does not look like this by accident.
SHOWABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,99}")
URL_NAME = "(URL)"
OTHER_NAME = "(other)"


class ClassifiedLines(NamedTuple):
    """The lines of a block by class. Offsets are within the block's text.

    Attributes:
        lines: the number of lines.
        blank: the number of blank lines.
        broken: the offsets of lines without a JSON object.
        unknown: the number of lines that are no known event, by event name; all URLs count as ``/``. The names are
            for counting only, so they may be wrong.
        events: the lines to parse: begin, end, and the result of ``is_plain``.
        scanned: the fields of ``ScannedLines``, if the lines were scanned.
    """

    lines: int
    blank: int
    broken: Sequence[int]
    unknown: Mapping[bytes, int]
    events: Sequence[LineSpan]
    scanned: tuple[Any, ...] = ()


_speedups.check_layout("ClassifiedLines", ClassifiedLines._fields)


class Prefilter:
    r"""Classifies lines by event name. It may have a line parsed in vain, but never drops a known event.

    In JSON, a plain name can be written only as it is or with ``\u00XX`` escapes.

    Args:
        names: the names of known events.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        # None: every line is parsed.
        self._plain_names = (
            frozenset(name.encode() for name in names) if all(PLAIN_NAME.fullmatch(name) for name in names) else None
        )

    def classify(self, block: LineBlock, level: int | None = None) -> ClassifiedLines:
        """Classify the lines of a block.

        Args:
            block: whole lines.
            level: the level of the sample of lines (see ``ScannedLines``); None if the lines need not be scanned.
        """
        if _speedups.classify_lines and self._plain_names is not None and block.wanted is None:
            return ClassifiedLines._make(_speedups.classify_lines(block.text, self._plain_names, level))
        return _classify(block, self._plain_names, level)


def classify_lines(text: Text, names: frozenset[bytes], level: int | None) -> ClassifiedLines:
    """Classify the lines of a text, as the C function of this name does in a tenth of the time."""
    return _classify(LineBlock("", (text,), 0, len(text)), names, level)


def _classify(block: LineBlock, names: frozenset[bytes] | None, level: int | None) -> ClassifiedLines:
    lines = blank = 0
    broken, events, unknown = list[int](), list["LineSpan"](), Counter[bytes]()
    for line, offset in lines_of(block):
        lines += 1
        begin = offset - block.start
        name = None if names is None else _unknown_name(line, names)
        if name is None:
            events.append((begin, begin + len(line), is_plain(line)))
        elif (stripped := line.rstrip()).endswith(b"}") and stripped.find(b"{") >= 0:
            unknown[name] += 1
        elif stripped:
            broken.append(begin)
        else:
            blank += 1
    scanned = () if level is None else _scan(block, level)
    return ClassifiedLines(lines, blank, broken, unknown, events, scanned)


def _scan(block: LineBlock, level: int) -> tuple[Any, ...]:
    text = block.text if block.wanted is None else joined_lines(line for line, _ in lines_of(block))
    if _speedups.scan_lines:
        return _speedups.scan_lines(text, level)
    from log_replay.events.scanning import scan_lines  # noqa: PLC0415 - only dry runs without the C extension need it

    return scan_lines(text, level)


def _unknown_name(line: bytes, names: frozenset[bytes]) -> bytes | None:
    """Return the event name in a line that cannot be a known event, or None if the line must be parsed."""
    # The checks are ordered by their cost. A line that starts with a known name needs only the first.
    name, start = None, 0
    if line.startswith(LMS_START) and (quote := line.find(b'"', len(LMS_START))) >= 0:
        start = len(LMS_START)
        name = line[start:quote]
        if name in names:
            return None
    if NAME_KEY.search(line, start) and not names.isdisjoint(NAMES.findall(line, start)):
        return None
    if _has_escaped_ascii(line):
        return None
    if name is None:
        found = NAME_FIRST.match(line, max(line.find(b"{"), 0)) or EVENT_TYPE.search(line)
        name = found[1] if found else b""
    return b"/" if name.startswith(b"/") else name


def _has_escaped_ascii(line: bytes) -> bool:
    escape = line.find(b"\\")
    return escape >= 0 and ESCAPED_ASCII.search(line, escape) is not None


def is_plain(line: bytes) -> bool:
    """Return False if the line, or JSON in one of its strings, may contain an integer of more than 64 bits."""
    return line.translate(DIGITS_TO_ZERO).rfind(LONG_DIGITS) < 0 and not _has_escaped_ascii(line)


def showable(name: str) -> str:
    """Return an event name that is safe to show: one name for all URLs, and one for all text that may be typed."""
    if name.startswith("/"):
        return URL_NAME
    return name if SHOWABLE_NAME.fullmatch(name) else OTHER_NAME
