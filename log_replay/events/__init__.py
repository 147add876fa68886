"""Read events: parse the lines of a tracking log into events, and reject the lines that are no events."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from log_replay import _speedups
from log_replay.errors import RejectError
from log_replay.events.filters import Filters, option_checks
from log_replay.events.prefilter import showable
from log_replay.events.subjects import course_of, user_of
from log_replay.records import Event, Position, Rejected, new_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_replay.events.prefilter import ClassifiedLines, Prefilter
    from log_replay.records import BlockResult, LineBlock, Text

#: The possible first characters of JSON, after white space.
JSON_STARTS = frozenset('{["-0123456789tfnNI')
JSON_WHITE_SPACE = " \t\r\n"

_speedups.check_layout("Event", Event._fields)
_speedups.check_layout("Position", Position._fields)


class UnparsableLine(RejectError):
    """A line is not a tracking event."""


def read_events(  # noqa: PLR0913 - what a run configures, and the lines that are left
    block: LineBlock,
    prefilter: Prefilter,
    filters: Filters,
    result: BlockResult,
    *,
    username_first: bool = False,
    classified: ClassifiedLines | None = None,
) -> Iterator[Event]:
    """Yield the known events of a block that match the filters, one at a time, so that few are in memory.

    Args:
        block: whole lines.
        prefilter: the prefilter for the known event names.
        filters: the filters; known events that do not match are counted as filtered.
        result: gets the rejects and the counters of all other lines. It is complete after the last event.
        username_first: how to find the user of an event; see ``user_of``.
        classified: the classified lines, if only some of the events are wanted.
    """
    for offset in block.oversized:
        _reject(result, Position(block.object, offset), "line_too_long")
    matches = None if filters == Filters() else filters.match
    unmatched = dict(option_checks(filters))
    classified, known = classified or prefilter.classify(block), 0
    names, read = prefilter.names, _speedups.read_event
    object_, text, start = block.object, block.text, block.start
    for begin, end, plain in classified.events:
        event = None
        if plain and read:
            event = read(orjson.loads, Event, Position, object_, text, begin, end, start, username_first)
        if event is None:
            position = Position(object_, start + begin)
            try:
                event = parse_event(bytes(text[begin:end]), position, plain=plain, username_first=username_first)
            except UnparsableLine as error:
                _reject(result, position, error.reason)
                continue
        if event.name not in names:
            result.counters.unknown += 1
            result.unknown_names[showable(event.name)] += 1
        elif matches is None or _passes(event, matches, unmatched, result):
            known += 1
            yield event
    result.counters.known += known
    _count_other_lines(block, classified, result)


def _count_other_lines(block: LineBlock, classified: ClassifiedLines, result: BlockResult) -> None:
    """Add the lines that were not parsed to the counters, and reject the broken ones."""
    for begin in classified.broken:
        _reject(result, Position(block.object, block.start + begin), "no_json")
    result.counters.lines += classified.lines + len(block.oversized)
    result.counters.blank += classified.blank
    # Without the counter's slow __missing__: a small object has as many names as a large one.
    unknown_names = result.unknown_names
    for name, count in classified.unknown.items():
        shown = _shown(name)
        unknown_names[shown] = unknown_names.get(shown, 0) + count
    result.counters.unknown += sum(classified.unknown.values())


@lru_cache(maxsize=4096)
def _shown(name: bytes) -> str:
    return showable(name.decode("utf-8", "replace"))


def read_event(  # noqa: PLR0913, PLR0917 - the arguments of the C function
    object_: str,
    text: Text,
    begin: int,
    end: int,
    start: int,
    username_first: bool = False,  # noqa: FBT001, FBT002 - likewise
) -> Event:
    """Read the event in one plain line, as the C function of this name does.

    Args:
        object_: the name of the object.
        text: the text of a block.
        begin: where the line begins in the text.
        end: where it ends, without the line end.
        start: the offset of the text in the object.
        username_first: how to find the user of the event; see ``user_of``.

    Raises:
        UnparsableLine: the line is not an event.
    """
    return parse_event(
        bytes(text[begin:end]), Position(object_, start + begin), plain=True, username_first=username_first
    )


def parse_event(line: bytes, position: Position, *, plain: bool = False, username_first: bool = False) -> Event:
    """Parse a line into the event that event-routing-backends' processors receive.

    Args:
        line: the line, without its line end.
        position: the position of the line.
        plain: True if neither the line nor JSON in one of its strings contains an integer of more than 64 bits.
        username_first: how to find the user of the event; see ``user_of``.

    Raises:
        UnparsableLine: the line is not an event.
    """
    load = _load_plain if plain else load_json
    text, fields = _parse_line(line, load)
    try:
        data = fields["event"]
    except KeyError:
        raise UnparsableLine("no_event") from None
    # Browsers also send form data, which is not JSON: the first character shows it without an exception.
    if isinstance(data, str) and data.lstrip(JSON_WHITE_SPACE)[:1] in JSON_STARTS:
        data = _decode_nested(data, load)
    fields["data"] = data
    if "timestamp" not in fields and "time" in fields:
        fields["timestamp"] = fields["time"]
    name = fields.get("name")
    if not isinstance(name, str):
        name = ""
    user = user_of(fields, username_first=username_first)
    return new_event((position, name, fields, text, user, course_of(fields)))


def parse_fields(line: bytes) -> tuple[bytes, dict[str, Any]]:
    """Return the JSON in a line, without a prefix, and the fields of the event, as the line has them.

    Integers of more than 64 bits may become floats.

    Raises:
        UnparsableLine: the line is not an event.
    """
    text, fields = _parse_line(line, _load_plain)
    if "event" not in fields:
        raise UnparsableLine("no_event")
    return text, fields


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
    """Parse JSON without integers of more than 64 bits: orjson would silently convert them to floats."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # json also accepts NaN, lone surrogates and floats out of range
        return load_json(text)


def _parse_line(line: bytes, load: Callable[[bytes], Any]) -> tuple[bytes, dict[str, Any]]:
    """Return the JSON in a line, without a prefix, and its value."""
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
        # The prefix of the line may contain braces: the event begins at the last one before the first quote.
        last_brace = line.rfind(b"{", start, line.find(b'"', start))
        if last_brace <= start:
            raise
    return line[last_brace:end], load(line[last_brace:end])


def _decode_nested(text: str, load: Callable[[str], Any]) -> Any:
    """Return the value of an ``event`` that is a JSON string, or the string itself if it is not JSON."""
    try:
        return load(text)
    except UnparsableLine as error:
        if error.reason == "too_deep":
            raise
        return text


def _reject(result: BlockResult, position: Position, reason: str) -> None:
    result.counters.unparsable += 1
    result.rejects.append(Rejected(position, reason, unparsable=True))


def _passes(
    event: Event, matches: Callable[[Event], bool], unmatched: dict[str, Callable[[Event], bool]], result: BlockResult
) -> bool:
    """Return True if a known event matches the filters; otherwise count or reject it.

    The options that it is the first to match are moved from ``unmatched`` to the result.
    """
    for option in [option for option, check in unmatched.items() if check(event)]:
        del unmatched[option]
        result.matched_filters.add(option)
    try:
        if matches(event):
            return True
    except ValueError:
        # Without a time, the event may or may not be in the period: the operator sees it among the rejects.
        result.counters.known += 1
        result.rejects.append(Rejected(event.position, "unreadable_time", event.name))
        return False
    result.counters.filtered += 1
    return False
