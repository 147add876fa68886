"""The cheap "can this line matter?" test, and what to call the lines that cannot."""

from __future__ import annotations

import re

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
#: A name that can be shown: nothing that a learner typed looks like this by accident and is counted as a name.
SHOWABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,99}")
URL_NAME = "(URL)"
OTHER_NAME = "(other)"


class Prefilter:
    r"""Tells whether a line can be an event with one of these names. Sound: False is certain, True is not.

    JSON can spell a plain name only as itself or with ``\u00XX`` escapes: no shorter escape exists for its characters.
    What most lines need for an answer is one or two searches for fixed bytes, a fraction of what parsing costs.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self._names = frozenset(name.encode() for name in names)
        self._all_plain = all(PLAIN_NAME.fullmatch(name) for name in names)

    def label(self, line: bytes) -> bytes | None:
        """Return what a line that cannot matter seems to call its event, or None if the line can matter.

        The label is for counting only, so a guess is enough; that a line cannot matter is certain.
        """
        # The searches are chosen and ordered by what they cost, and a line with a known name, which must be parsed
        # whatever else is in it, needs none of them.
        leads = line.startswith(LEAD)
        name = line[len(LEAD) : line.find(b'"', len(LEAD))] if leads else b""
        if name in self._names or not self._all_plain:
            return None
        if NAME_KEY.search(line, len(LEAD) if leads else 0) and not self._names.isdisjoint(NAMES.findall(line)):
            return None
        escape = line.find(b"\\")
        if escape >= 0 and ESCAPED_ASCII.search(line, escape):
            return None
        return name if leads else _guessed_name(line)


def _guessed_name(line: bytes) -> bytes:
    spelled = LEADING_NAME.match(line, line.find(b"{")) or EVENT_TYPE.search(line)
    return spelled[1] if spelled else b""


def showable(name: str) -> str:
    """Return an event's name as it may be shown: URLs as one, and nothing that somebody could have typed."""
    if name.startswith("/"):
        return URL_NAME
    return name if SHOWABLE_NAME.fullmatch(name) else OTHER_NAME
