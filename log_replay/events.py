"""Line -> Event | Rejected: what a tracking log's lines say, without ever trusting them."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from log_replay.records import Counters, Event, LineBlock, Position, Rejected

if TYPE_CHECKING:
    from log_replay.filters import Filters

#: Every value that a key called ``name`` has, at any depth, unless it is spelled with escapes.
NAMES = re.compile(rb'"name"\s*:\s*"([^"\\]*)"')
#: An escaped ASCII character could be part of ``"name"`` or of a known name: such a line must be parsed.
ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
#: A name that JSON has no short escapes for. Third parties may register others; then every line is parsed.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
#: How the LMS spells events: the name first, or else a type. Used for counting what is unknown, never to decide.
LEADING_NAME = re.compile(rb'\{\s*"name"\s*:\s*"([^"\\]*)"')
EVENT_TYPE = re.compile(rb'"event_type"\s*:\s*"([^"\\]*)"')
#: A name that can be shown: nothing that a learner typed looks like this by accident and is counted as a name.
SHOWABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,99}")
URL_NAME = "(URL)"
OTHER_NAME = "(other)"

# A run of 19 digits may be an integer that does not fit 64 bits, of which orjson silently makes a float. Translating
# the line and looking for that many zeros takes a fifteenth of the time that a regex takes.
DIGITS_TO_ZERO = bytes(ord("0") if byte in b"0123456789" else ord(".") for byte in range(256))
LONG_DIGITS = b"0" * 19


@dataclass(slots=True)
class BlockEvents:
    """What the lines of a block say: the known events that pass the filters, and what became of the others."""

    counters: Counters
    events: list[Event] = field(default_factory=list)
    rejects: list[Rejected] = field(default_factory=list)
    unknown_names: Counter[str] = field(default_factory=Counter)


class UnparsableLine(ValueError):
    """A line that is no tracking event; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_events(block: LineBlock, names: frozenset[str], filters: Filters) -> BlockEvents:
    """Read a block's known events; every line of it is counted once.

    Args:
        block: whole lines.
        names: the known event names.
        filters: what the operator asked for; known events that do not pass are counted as filtered.
    """
    encoded_names = frozenset(name.encode() for name in names)
    all_plain = all(PLAIN_NAME.fullmatch(name) for name in names)
    found = BlockEvents(Counters(lines=len(block.lines) + len(block.oversized)))
    for offset in block.oversized:
        _reject(found, Position(block.object, offset), "line_too_long")
    for line, offset in zip(block.lines, block.offsets, strict=True):
        if all_plain and not can_matter(line, encoded_names):
            _count_uninteresting(found, block.object, line, offset)
            continue
        position = Position(block.object, offset)
        try:
            event = parse_event(line, position)
        except UnparsableLine as error:
            _reject(found, position, error.reason)
            continue
        if event.name not in names:
            found.counters.unknown += 1
            found.unknown_names[_showable(event.name)] += 1
            continue
        _keep(found, event, filters)
    return found


def can_matter(line: bytes, encoded_names: frozenset[bytes]) -> bool:
    r"""Whether a line can be an event with one of these names. Sound: False is certain, True is not.

    JSON can spell a plain name only as itself or with ``\u00XX`` escapes: no shorter escape exists for its characters.
    """
    return not encoded_names.isdisjoint(NAMES.findall(line)) or (
        b"\\u00" in line and ESCAPED_ASCII.search(line) is not None
    )


def parse_event(line: bytes, position: Position) -> Event:
    """Parse a log line into the shape that event-routing-backends' processors receive.

    Raises:
        UnparsableLine: it is not an event.
    """
    text, fields = _parse_line(line)
    if "event" not in fields:
        raise UnparsableLine("no_event")
    data = fields["event"]
    if isinstance(data, str):
        data = _decode_nested(data)
    fields["data"] = data
    if "timestamp" not in fields and "time" in fields:
        fields["timestamp"] = fields["time"]
    name = fields.get("name")
    return Event(position, name if isinstance(name, str) else "", fields, text)


def load_json(text: bytes) -> Any:
    """Parse JSON as ``json.loads`` does, at orjson's speed wherever that gives the same.

    Raises:
        UnparsableLine: ``not_json``, ``not_utf8`` or ``too_deep``.
    """
    try:
        if LONG_DIGITS not in text.translate(DIGITS_TO_ZERO):
            return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass  # json accepts NaN, lone surrogates and numbers out of range: let it decide
    try:
        return json.loads(text.decode())
    except UnicodeDecodeError:
        raise UnparsableLine("not_utf8") from None
    except RecursionError:
        raise UnparsableLine("too_deep") from None
    except ValueError:
        raise UnparsableLine("not_json") from None


def _parse_line(line: bytes) -> tuple[bytes, dict[str, Any]]:
    start = line.find(b"{")
    end = line.rfind(b"}") + 1
    if start < 0 or end <= start or line[end:].strip():
        raise UnparsableLine("no_json")
    try:
        return line[start:end], load_json(line[start:end])
    except UnparsableLine:
        # The log's prefix may hold braces: then the event begins at the last one before the first quote.
        later = line.rfind(b"{", start, line.find(b'"', start))
        if later <= start:
            raise
    return line[later:end], load_json(line[later:end])


def _decode_nested(text: str) -> Any:
    """Decode an ``event`` that may be a JSON string; anything else is returned as it is."""
    try:
        return load_json(text.encode("utf-8", "surrogatepass"))
    except UnparsableLine as error:
        if error.reason == "not_utf8":
            return _decode_surrogates(text)
        if error.reason == "too_deep":
            raise
        return text


def _decode_surrogates(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise UnparsableLine("too_deep") from None
    except ValueError:
        return text


def _reject(found: BlockEvents, position: Position, reason: str) -> None:
    found.counters.unparsable += 1
    found.rejects.append(Rejected(position, reason, unparsable=True))


def _keep(found: BlockEvents, event: Event, filters: Filters) -> None:
    try:
        wanted = filters.want(event)
    except ValueError:
        # Its time cannot be read, so nobody can tell whether it was asked for: shown, not dropped.
        found.counters.known += 1
        found.counters.rejected += 1
        found.rejects.append(Rejected(event.position, "unreadable_time", event.name))
        return
    if wanted:
        found.counters.known += 1
        found.events.append(event)
    else:
        found.counters.filtered += 1


def _count_uninteresting(found: BlockEvents, name: str, line: bytes, offset: int) -> None:
    """Count a line that holds no known event's name: without parsing it, by its look."""
    stripped = line.rstrip()
    if not stripped:
        found.counters.blank += 1
    elif b"{" not in stripped or stripped[-1:] != b"}":
        _reject(found, Position(name, offset), "no_json")
    else:
        found.counters.unknown += 1
        spelled = LEADING_NAME.match(line, line.find(b"{")) or EVENT_TYPE.search(line)
        found.unknown_names[_showable(spelled[1].decode("utf-8", "replace")) if spelled else OTHER_NAME] += 1


def _showable(name: str) -> str:
    if name.startswith("/"):
        return URL_NAME
    return name if SHOWABLE_NAME.fullmatch(name) else OTHER_NAME
