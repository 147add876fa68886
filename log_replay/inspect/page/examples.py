"""Examples for the page: events and the statements that come out of them."""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from log_replay.errors import LogReplayError
from log_replay.inspect.page.masking import masked

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from log_replay.records import BlockResult, Position, SourceObject, TransformedEvent, Unit
    from log_replay.sources import Source

#: The number of examples on a page.
EXAMPLES = 12
#: The number of events of which the first one is kept.
_NAMES = 200
#: Longer lines are no examples.
_LONGEST_LINE_BYTES = 1 << 20
#: Lines further from the beginning of a compressed object are no examples: everything before them would be read again.
_FURTHEST_BYTES = 64 << 20

_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*')
#: Longer JSON is cut off.
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class Example:
    """An event, as it is in the log, and its statements.

    Attributes:
        name: the name of the event.
        position: the place of its line.
        line: the JSON of the line.
        statements: the JSON of each statement.
        with_content: do not mask.
    """

    name: str
    position: Position
    line: bytes
    statements: Sequence[bytes]
    with_content: bool = False

    def as_context(self) -> dict[str, Any]:
        """Return the example for the template."""
        return {
            "name": self.name,
            "place": f"{self.position.object}:{self.position.offset}",
            "event": self._shown(self.line),
            "statements": [self._shown(statement) for statement in self.statements],
        }

    def _shown(self, text: bytes) -> SafeString:
        try:
            # A log collector may have put a prefix before the JSON.
            value = json.loads(text[max(text.find(b"{"), 0) :])
        except (ValueError, RecursionError):
            return mark_safe("")
        return coloured(value if self.with_content else masked(value))


class ExampleCollector:
    """Keeps the first event of each name, with its statements."""

    def __init__(self) -> None:
        self._object: SourceObject | None = None
        self._first: dict[str, tuple[SourceObject, TransformedEvent]] = {}

    def begin(self, unit: Unit) -> None:
        """Begin a unit."""
        self._object = unit.object

    def add(self, result: BlockResult) -> None:
        """Keep the events of new names."""
        new = result.statements_by_event.keys() - self._first.keys()
        if not new or self._object is None or len(self._first) >= _NAMES:
            return
        for event in result.events:
            if event.name in new:
                self._first[event.name] = (self._object, event)
                new.discard(event.name)
                if not new:
                    return

    def examples(self, source: Source, names: Iterable[str], *, with_content: bool) -> list[Example]:
        """Return examples of events. Their lines are read again, so there are none of standard input.

        Args:
            source: the source of the lines.
            names: the names of the events, the most important first.
            with_content: do not mask.
        """
        found: list[Example] = []
        for obj, event in (self._first[name] for name in names if name in self._first):
            line = _line_at(source, obj, event.position.offset) if len(found) < EXAMPLES else None
            if line is not None:
                texts = [bytes(statement.text) for statement in event.statements]
                found.append(Example(event.name, event.position, line, texts, with_content))
        return found


def _line_at(source: Source, obj: SourceObject, offset: int) -> bytes | None:
    """Return the line at an offset, or None if it cannot be read or is too long."""
    try:
        if offset > _FURTHEST_BYTES and source.is_compressed(obj):
            return None
        with closing(cast("Generator[bytes]", source.read(obj, offset, offset + _LONGEST_LINE_BYTES))) as chunks:
            line = b""
            for chunk in chunks:
                line += chunk
                if b"\n" in chunk:
                    return line.partition(b"\n")[0]
    except LogReplayError:
        return None  # standard input, or an object that has been rotated away
    return line if len(line) < _LONGEST_LINE_BYTES else None


def coloured(value: Any) -> SafeString:
    """Return indented JSON as HTML, with classes for keys and values."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT] + "\n…"
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts.append(escape(text[end : token.start()]))
        kind = "k" if token[2] else "s" if token[1] else "n"
        parts.append(f'<span class="{kind}">{escape(token[1] or token[0])}</span>{escape(token[2] or "")}')
        end = token.end()
    return mark_safe("".join([*parts, escape(text[end:])]))  # noqa: S308 - all parts are escaped
