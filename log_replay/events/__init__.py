"""Line -> Event | Rejected: what a tracking log's lines say, without ever trusting them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from log_replay import _speedups
from log_replay.events.filters import Filters
from log_replay.events.prefilter import Prefilter, showable
from log_replay.events.subjects import course_of, user_of
from log_replay.records import BlockResult, Event, LineBlock, Position, Rejected, new_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What any JSON begins with, behind blanks.
JSON_BEGINS = frozenset('{["-0123456789tfnNI')
JSON_BLANKS = " \t\r\n"


class UnparsableLine(ValueError):
    """A line that is no tracking event; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_events(block: LineBlock, prefilter: Prefilter, filters: Filters, result: BlockResult) -> Iterator[Event]:
    """Yield a block's known events, one at a time: each is dropped from memory as soon as nobody needs it.

    Args:
        block: whole lines.
        prefilter: knows the names of known events.
        filters: what the operator asked for; known events that do not pass are counted as filtered.
        result: where everything else about the lines goes; complete once all events were yielded.
    """
    for offset in block.oversized:
        _reject(result, Position(block.object, offset), "line_too_long")
    check = None if filters == Filters() else filters.want
    classified, known = prefilter.classify(block), 0
    names, read = prefilter.names, _speedups.read_event
    object_, text, start = block.object, block.text, block.start
    for begin, end, plain in classified.events:
        event = None
        if plain and read:
            event = read(orjson.loads, Event, Position, object_, text, begin, end, start)
        if event is None:
            position = Position(object_, start + begin)
            try:
                event = parse_event(bytes(text[begin:end]), position, plain=plain)
            except UnparsableLine as error:
                _reject(result, position, error.reason)
                continue
        if event.name not in names:
            result.counters.unknown += 1
            result.unknown_names[showable(event.name)] += 1
        elif check is None or _passes(event, check, result):
            known += 1
            yield event
    result.counters.known += known
    for begin in classified.broken:
        _reject(result, Position(block.object, start + begin), "no_json")
    result.counters.lines += classified.lines + len(block.oversized)
    result.counters.blank += classified.blank
    for spelled, count in classified.unknown.items():
        result.counters.unknown += count
        result.unknown_names[showable(spelled.decode("utf-8", "replace"))] += count


def parse_event(line: bytes, position: Position, *, plain: bool = False) -> Event:
    """Parse a log line into the shape that event-routing-backends' processors receive.

    Args:
        line: without its line end.
        position: where it stands.
        plain: whether no integer in it can be beyond 64 bits, nor any in JSON that one of its strings holds.

    Raises:
        UnparsableLine: it is not an event.
    """
    load = _load_plain if plain else load_json
    text, fields = _parse_line(line, load)
    try:
        data = fields["event"]
    except KeyError:
        raise UnparsableLine("no_event") from None
    # Browsers post form data as well, which need not be taken for JSON.
    if isinstance(data, str) and data.lstrip(JSON_BLANKS)[:1] in JSON_BEGINS:
        data = _decode_nested(data, load)
    fields["data"] = data
    if "timestamp" not in fields and "time" in fields:
        fields["timestamp"] = fields["time"]
    name = fields.get("name")
    if not isinstance(name, str):
        name = ""
    return new_event((position, name, fields, text, user_of(fields), course_of(fields)))


def load_json(text: bytes | str) -> Any:
    """Parse JSON as ``json.loads`` does.

    Raises:
        UnparsableLine: ``not_json``, ``not_utf8`` or ``too_deep``.
    """
    try:
        return json.loads(text if isinstance(text, str) else text.decode())
    except UnicodeDecodeError:
        raise UnparsableLine("not_utf8") from None
    except RecursionError:
        raise UnparsableLine("too_deep") from None
    except ValueError:
        raise UnparsableLine("not_json") from None


def _load_plain(text: bytes | str) -> Any:
    """Parse JSON in which no integer is beyond 64 bits, of which orjson would silently make floats."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # json accepts NaN, lone surrogates and numbers out of range: let it decide
        return load_json(text)


def _parse_line(line: bytes, load: Callable[[bytes], Any]) -> tuple[bytes, dict[str, Any]]:
    if line.startswith(b"{") and line.endswith(b"}"):
        text, start, end = line, 0, len(line)
    else:
        start, end = line.find(b"{"), line.rfind(b"}") + 1
        if start < 0 or end <= start or line[end:].strip():
            raise UnparsableLine("no_json")
        text = line[start:end]
    try:
        return text, load(text)
    except UnparsableLine:
        # The log's prefix may hold braces: then the event begins at the last one before the first quote.
        later = line.rfind(b"{", start, line.find(b'"', start))
        if later <= start:
            raise
    return line[later:end], load(line[later:end])


def _decode_nested(text: str, load: Callable[[str], Any]) -> Any:
    """Decode an ``event`` that may be a JSON string; anything else is returned as it is."""
    try:
        return load(text)
    except UnparsableLine as error:
        if error.reason == "too_deep":
            raise
        return text


def _reject(result: BlockResult, position: Position, reason: str) -> None:
    result.counters.unparsable += 1
    result.rejects.append(Rejected(position, reason, unparsable=True))


def _passes(event: Event, check: Callable[[Event], bool], result: BlockResult) -> bool:
    """Tell whether a known event passes the filters, and count it if not."""
    try:
        if check(event):
            return True
    except ValueError:
        # Its time cannot be read, so nobody can tell whether it was asked for: shown, not dropped.
        result.counters.known += 1
        result.rejects.append(Rejected(event.position, "unreadable_time", event.name))
        return False
    result.counters.filtered += 1
    return False
