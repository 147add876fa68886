"""Line -> Event | Rejected: what a tracking log's lines say, without ever trusting them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from log_replay.prefilter import Prefilter, showable
from log_replay.records import Counters, Event, LineBlock, Position, Rejected

if TYPE_CHECKING:
    from log_replay.filters import Filters

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
    label_of = Prefilter(names).label
    unknown: list[bytes] = []
    found = BlockEvents(Counters(lines=len(block.lines) + len(block.oversized)))
    for offset in block.oversized:
        _reject(found, Position(block.object, offset), "line_too_long")
    for line, offset in zip(block.lines, block.offsets, strict=True):
        label = label_of(line)
        if label is None:
            _read_event(found, line, Position(block.object, offset), names, filters)
        elif (line[-1:] == b"}" or line.rstrip()[-1:] == b"}") and b"{" in line:
            unknown.append(label)
        elif line.strip():
            _reject(found, Position(block.object, offset), "no_json")
        else:
            found.counters.blank += 1
    found.counters.unknown += len(unknown)
    for spelled, count in Counter(unknown).items():
        found.unknown_names[showable(spelled.decode("utf-8", "replace"))] += count
    return found


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


def _read_event(found: BlockEvents, line: bytes, position: Position, names: frozenset[str], filters: Filters) -> None:
    try:
        event = parse_event(line, position)
    except UnparsableLine as error:
        _reject(found, position, error.reason)
        return
    if event.name not in names:
        found.counters.unknown += 1
        found.unknown_names[showable(event.name)] += 1
    else:
        _keep(found, event, filters)


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
