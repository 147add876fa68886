"""The records that flow through the pipeline: values without behaviour.

SourceObject -> Unit -> LineBlock -> Event -> Statement -> Delivery
                            |          |
                            +-> Rejected
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import accumulate, repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, overload

from log_replay.counters import Counters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from log_replay.block_profile import BlockProfile
    from log_replay.counters import RouteCounters, ValidationCounts

#: A tracking event as the processors of event-routing-backends receive it: the parsed line, plus ``data`` (the value of
#: ``event`` in the log, decoded if it is a JSON string) and ``timestamp``.
EventFields: TypeAlias = dict[str, Any]

#: Bytes that can be written without a copy.
Text: TypeAlias = bytes | memoryview

#: The names of the routes that accept an event, or ``ALL_ROUTES``.
RouteNames: TypeAlias = tuple[str, ...] | None
ALL_ROUTES: RouteNames = None


class Position(NamedTuple):
    """The place of a line: the name of its object, and the offset of its first byte in the decompressed object."""

    object: str
    offset: int


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One object to replay, as it was listed. ``version`` is its ETag or modification time, if there is one."""

    name: str
    size_bytes: int | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class SkippedObject:
    """An object under the prefix that is not a log, and the reason (``empty``, ``placeholder``, ``own output`` ...)."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unit:
    """The lines of one object that begin in ``[start, end)``. The units of a run are numbered.

    Attributes:
        group: the number of the unit's group. The units of a group follow each other, and one process replays all of
            them. A batch has events of one group only.
        end: None for the end of the object.
        lines: the offsets of the wanted lines, or None if all lines are wanted.
        offset: the beginning of the first line that is not delivered, or None if the unit was not begun.
        counted_to: the lines before this offset are counted, even those from ``offset`` on.
    """

    number: int
    object: SourceObject
    start: int = 0
    end: int | None = None
    lines: frozenset[int] | None = None
    offset: int | None = None
    counted_to: int = 0
    group: int = 0


@dataclass(frozen=True)
class LineBlock:
    """Successive whole lines of one object. ``lines_of`` yields them.

    Attributes:
        object: the name of the object.
        pieces: the bytes from ``start`` on, with line ends, cut anywhere.
        start: the offset of the first byte.
        end_offset: the offset of the line after the block.
        oversized: the offsets of lines that are too long to be kept in memory.
        wanted: the offsets of the lines that belong to the block, or None if all do.
    """

    object: str
    pieces: Sequence[Text]
    start: int
    end_offset: int
    oversized: list[int] = field(default_factory=list)
    wanted: frozenset[int] | None = None

    @property
    def text(self) -> Text:
        """The joined pieces. They are joined only when needed: a worker receives them as they are."""
        return self.pieces[0] if len(self.pieces) == 1 else self._joined_pieces

    @cached_property
    def _joined_pieces(self) -> bytes:
        return b"".join(self.pieces)


def lines_of(block: LineBlock) -> Iterator[tuple[bytes, int]]:
    """Yield each line of a block, without its line end, and its offset."""
    text, start, wanted = bytes(block.text), block.start, block.wanted
    begin, length = 0, len(text)
    while begin < length:
        end = text.find(b"\n", begin)
        if end < 0:
            end = length
        if wanted is None or start + begin in wanted:
            yield text[begin:end], start + begin
        begin = end + 1


class Event(NamedTuple):
    """A known event.

    Attributes:
        json_text: the JSON of the line. Caliper ids are computed from it.
        user: the user that the event is about (see ``events.subjects``).
        course_id: the course that the event is about, likewise.
    """

    position: Position
    name: str
    fields: EventFields
    json_text: bytes
    user: Any
    course_id: Any


class Rejected(NamedTuple):
    """A line that should have given a statement and did not. Of its content, only the name of the event is kept.

    ``unparsable`` is True for a line that is not an event, and False for a known event that cannot be transformed.
    ``detail`` says in words what is wrong with the event, if that is known.
    """

    position: Position
    reason: str
    name: str | None = None
    unparsable: bool = False
    detail: str | None = None


class Statement(NamedTuple):
    """An xAPI statement, or a Caliper envelope whose event has this id.

    ``text`` is its JSON in UTF-8 on one line. ``timestamp`` is its timestamp as text.
    """

    id: str
    timestamp: str
    text: bytes


class TransformedEvent(NamedTuple):
    """A known event's statements, in order, and the routes that accept them."""

    position: Position
    name: str
    statements: tuple[Statement, ...]
    routes: RouteNames = ALL_ROUTES


# Faster constructors for the hot path: the __new__ of a named tuple takes twice as long.
new_position = partial(tuple.__new__, Position)
new_event = partial(tuple.__new__, Event)
new_statement = partial(tuple.__new__, Statement)
new_transformed_event = partial(tuple.__new__, TransformedEvent)


class PackedColumns(NamedTuple):
    """The transformed events of a block, stored by column. Numbers are bytes: see ``numbers_in``.

    Attributes:
        offsets: the offset of each event's line.
        routes: the routes that accept each event, or None if each has all routes.
        statements_per_event: the number of each event's statements.
        ids: the ids of all statements as one text, in UTF-8.
        id_lengths: the length of each, in bytes.
        timestamps: the timestamps, likewise.
        timestamp_lengths: their lengths.
    """

    offsets: bytes
    names: Sequence[str]
    routes: Sequence[RouteNames] | None
    statements_per_event: bytes
    ids: bytes
    id_lengths: bytes
    timestamps: bytes
    timestamp_lengths: bytes


def numbers_in(column: bytes) -> Sequence[int]:
    """Return the numbers of a column, each of which takes eight bytes, in this machine's order."""
    return memoryview(column).cast("q")


def _texts_in(column: bytes, lengths: bytes) -> list[str]:
    ends = [*accumulate(numbers_in(lengths))]
    bounds = zip([0, *ends], ends, strict=False)
    if column.isascii():  # nearly always: one call decodes all texts
        joined = column.decode()
        return [joined[begin:end] for begin, end in bounds]
    return [column[begin:end].decode(errors="surrogatepass") for begin, end in bounds]


@dataclass(frozen=True)
class PackedEvents(Sequence[TransformedEvent]):
    """The transformed events of a block, stored by column. ``lines`` are the texts of all statements, as lines.

    Pickling a few large columns is many times faster than pickling thousands of small events. The events are created
    when the first one is accessed.
    """

    object: str
    columns: PackedColumns
    lines: Text = b""

    def __len__(self) -> int:
        return len(self.columns.names)

    @overload
    def __getitem__(self, index: int) -> TransformedEvent: ...
    @overload
    def __getitem__(self, index: slice) -> list[TransformedEvent]: ...
    def __getitem__(self, index: int | slice) -> TransformedEvent | list[TransformedEvent]:
        return self._events[index]

    @property
    def statement_count(self) -> int:
        """The number of statements of all events."""
        return len(numbers_in(self.columns.id_lengths))

    @cached_property
    def _events(self) -> list[TransformedEvent]:
        columns = self.columns
        ids = _texts_in(columns.ids, columns.id_lengths)
        timestamps = _texts_in(columns.timestamps, columns.timestamp_lengths)
        texts = bytes(self.lines).split(b"\n")[:-1]
        statements = [*map(new_statement, zip(ids, timestamps, texts, strict=True))]
        counts = numbers_in(columns.statements_per_event)
        ends = accumulate(counts)  # the end of each event in ``statements``
        groups = (tuple(statements[end - count : end]) for count, end in zip(counts, ends, strict=True))
        offsets = numbers_in(columns.offsets)
        all_routes = columns.routes or repeat(ALL_ROUTES, len(self))
        return [
            new_transformed_event((new_position((self.object, offset)), name, group, routes))
            for offset, name, group, routes in zip(offsets, columns.names, groups, all_routes, strict=True)
        ]


def statement_count(events: Sequence[TransformedEvent]) -> int:
    """Return the number of statements of the events."""
    if isinstance(events, PackedEvents):
        return events.statement_count
    return sum(len(event.statements) for event in events)


def statement_lines(events: Sequence[TransformedEvent]) -> Text:
    """Return the texts of the events' statements, each with a line end. They are valid as long as the events are."""
    if isinstance(events, PackedEvents):
        return events.lines
    return joined_lines([statement.text for event in events for statement in event.statements])


def joined_lines(texts: Iterable[bytes]) -> bytes:
    """Return texts, each with a line end."""
    return b"\n".join((*texts, b""))


@dataclass(slots=True)
class BlockResult:
    """The result of transforming one block.

    Attributes:
        matched_filters: the options that select events and that an event of the block matched, such as ``--course X``.
        transform_paths: the number of events by the way they were transformed: ``native``, or the reason for a fallback
            to upstream's code.
        unsupported_shapes: the number of events that only upstream's code supports, by name and shape.
        verified: the number of events that were transformed both ways.
        differences: the events for which upstream's statements differ.
        rejected_lines: the rejected lines themselves, by offset, if the run writes them to a file.
        validation: the result of checking the statements, if the run checks them.
        profile: what the report of a dry run shows beyond the counters.
    """

    object: str
    end_offset: int
    counters: Counters = field(default_factory=Counters)
    events: Sequence[TransformedEvent] = ()
    rejects: list[Rejected] = field(default_factory=list)
    statements_by_event: Counter[str] = field(default_factory=Counter)
    unknown_names: Counter[str] = field(default_factory=Counter)
    matched_filters: set[str] = field(default_factory=set)
    transform_paths: Counter[str] = field(default_factory=Counter)
    unsupported_shapes: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    differences: list[tuple[Position, str]] = field(default_factory=list)
    rejected_lines: dict[int, bytes] = field(default_factory=dict)
    validation: ValidationCounts | None = None
    profile: BlockProfile | None = None


class Refusal(NamedTuple):
    """A statement that a destination refused, for the dead letters.

    ``status`` and ``fields`` come from the destination's response and contain no learner data: the status, and the
    names of the invalid fields. ``answer`` is the whole response and ``text`` the statement, for runs with
    ``--rejects_with_content``.
    """

    position: Position
    event: str
    statement_id: str
    reason: str
    destination: str
    status: int | None = None
    fields: Sequence[str] = ()
    answer: str | None = None
    text: bytes | None = None


class Undelivered(NamedTuple):
    """The part of a batch that unavailable routes have not received.

    ``routes`` maps each of these routes to its number of statements. ``outcomes`` is the outcome of each statement at
    the other routes: the name of a counter, or ``present`` (see ``only_missing``). ``refusals`` are the dead letters
    for runs that cannot be resumed.
    """

    routes: Mapping[str, int]
    outcomes: Sequence[str]
    refusals: Sequence[Refusal] = ()


class LineRange(NamedTuple):
    """The events of a batch that belong to one unit: the offsets of the first and the last line, and their counters."""

    unit: int
    object: str
    first: int
    last: int
    counted: Mapping[str, int]


class BacklogEntry(NamedTuple):
    """A batch that unavailable routes have not received, with its number in the run."""

    number: int
    line_ranges: Sequence[LineRange]
    undelivered: Undelivered


class Delivery(NamedTuple):
    """The result of delivering a batch.

    Attributes:
        unrouted: statements whose events no route of the destination accepts.
        failed: refused statements, and those that unavailable routes have not received.
        failures: a message for each refused statement, which tells the reason.
        outcomes: the name of each statement's counter, in the order of the batch; empty if all have the same.
        acknowledgement: the destination's own data on this batch, for resuming the run.
        refusals: the refused statements, if the destination names them.
        routes: the counters of each route, by the route's name.
        undelivered: the part of the batch that unavailable routes have not received.
    """

    delivered: int = 0
    duplicate: int = 0
    unrouted: int = 0
    failed: int = 0
    failures: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    acknowledgement: Mapping[str, Any] | None = None
    refusals: Sequence[Refusal] = ()
    routes: Mapping[str, RouteCounters] = MappingProxyType({})
    undelivered: Undelivered | None = None
