"""Line -> Event | Rejected: what a tracking log's lines say, without ever trusting them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from log_replay.events.filters import Filters
from log_replay.events.prefilter import Prefilter, showable
from log_replay.events.subjects import course_of, user_of
from log_replay.lines import lines_of
from log_replay.records import BlockResult, Event, LineBlock, Position, Rejected, new_event, new_position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A run of 19 digits may be an integer that does not fit 64 bits, of which orjson silently makes a float. Translating
# the line and looking for that many zeros takes a fifteenth of the time that a regex takes.
DIGITS_TO_ZERO = bytes(ord("0") if byte in b"0123456789" else ord(".") for byte in range(256))
LONG_DIGITS = b"0" * 19
#: What any JSON begins with. Browsers post form data as well, which need not be taken for it.
JSON_BEGINS = frozenset('{["-0123456789tfnNI')


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
    label_of, names, unknown = prefilter.label, prefilter.names, list[bytes]()
    lines = 0
    for line, offset in lines_of(block):
        lines += 1
        label = label_of(line)
        if label is None:
            try:
                event = parse_event(line, new_position((block.object, offset)))
            except UnparsableLine as error:
                _reject(result, Position(block.object, offset), error.reason)
                continue
            if event.name not in names:
                result.counters.unknown += 1
                result.unknown_names[showable(event.name)] += 1
            elif check is None or _passes(event, check, result):
                result.counters.known += 1
                yield event
        elif (line.endswith(b"}") or line.rstrip().endswith(b"}")) and line.find(b"{") >= 0:
            unknown.append(label)
        elif line.strip():
            _reject(result, Position(block.object, offset), "no_json")
        else:
            result.counters.blank += 1
    result.counters.lines += lines + len(block.oversized)
    result.counters.unknown += len(unknown)
    for spelled, count in Counter(unknown).items():
        result.unknown_names[showable(spelled.decode("utf-8", "replace"))] += count


def parse_event(line: bytes, position: Position) -> Event:
    """Parse a log line into the shape that event-routing-backends' processors receive.

    Raises:
        UnparsableLine: it is not an event.
    """
    text, fields = _parse_line(line)
    try:
        data = fields["event"]
    except KeyError:
        raise UnparsableLine("no_event") from None
    if isinstance(data, str):
        data = _decode_nested(data)
    fields["data"] = data
    if "timestamp" not in fields and "time" in fields:
        fields["timestamp"] = fields["time"]
    name = fields.get("name")
    if not isinstance(name, str):
        name = ""
    return new_event((position, name, fields, text, user_of(fields), course_of(fields)))


def load_json(text: bytes) -> Any:
    """Parse JSON as ``json.loads`` does, at orjson's speed wherever that gives the same.

    Raises:
        UnparsableLine: ``not_json``, ``not_utf8`` or ``too_deep``.
    """
    try:
        if text.translate(DIGITS_TO_ZERO).rfind(LONG_DIGITS) < 0:
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
    if line.startswith(b"{") and line.endswith(b"}"):
        text, start, end = line, 0, len(line)
    else:
        start, end = line.find(b"{"), line.rfind(b"}") + 1
        if start < 0 or end <= start or line[end:].strip():
            raise UnparsableLine("no_json")
        text = line[start:end]
    try:
        return text, load_json(text)
    except UnparsableLine:
        # The log's prefix may hold braces: then the event begins at the last one before the first quote.
        later = line.rfind(b"{", start, line.find(b'"', start))
        if later <= start:
            raise
    return line[later:end], load_json(line[later:end])


def _decode_nested(text: str) -> Any:
    """Decode an ``event`` that may be a JSON string; anything else is returned as it is."""
    if text.lstrip(" \t\r\n")[:1] not in JSON_BEGINS:
        return text
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
