"""What flows through the rooms: values only, no behaviour beyond adding up.

SourceObject -> Unit -> LineBlock -> Event -> Statement -> Delivery
                            |          |
                            +-> Rejected
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from itertools import accumulate, islice, repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias, overload

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Iterator, Mapping

#: A tracking event in the shape that event-routing-backends' processors receive: the parsed line plus ``data``
#: (what the log calls ``event``, decoded when it is a JSON string) and ``timestamp``.
EventFields: TypeAlias = dict[str, Any]

#: What can be written as it is: whole lines, or parts of them.
Text: TypeAlias = bytes | memoryview

#: A set of routes, one bit each; what no route can be asked about goes to all of them.
ALL_ROUTES = -1


class Position(NamedTuple):
    """Where a line begins: the object's name and the offset of the line's first byte once decompressed."""

    object: str
    offset: int


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One object to replay, as the listing gave it; ``version`` is its ETag or modification time, if any."""

    name: str
    size_bytes: int | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class SkippedObject:
    """An object under the prefix that is not a log, and why (``empty``, ``placeholder``, ``own output`` ...)."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unit:
    """The lines of one object that begin in ``[start, end)``, whoever replays them: the units of a run are numbered.

    Attributes:
        end: None for the object's end.
        lines: the offsets of the only lines wanted, where not all are.
        offset: where to go on, at the beginning of a line; None where nothing of the unit was done.
        counted_to: lines before this offset were counted, though those from ``offset`` on were not delivered.
    """

    number: int
    object: SourceObject
    start: int = 0
    end: int | None = None
    lines: frozenset[int] | None = None
    offset: int | None = None
    counted_to: int = 0


@dataclass(frozen=True)
class LineBlock:
    """Whole lines of one object, in order, as they stand in it: what ``lines.lines_of`` takes apart.

    ``pieces`` are what stands there from ``start`` on, line ends and all, however cut. ``oversized`` holds the offsets
    of lines that were too long to keep; ``end_offset`` is where the line after the block begins. ``wanted`` are the
    offsets of the only lines that belong to the block, where not all do.
    """

    object: str
    pieces: Sequence[Text]
    start: int
    end_offset: int
    oversized: list[int] = field(default_factory=list)
    wanted: frozenset[int] | None = None

    @cached_property
    def text(self) -> Text:
        """The pieces in one: put together only here, since a worker is given them as they are."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)


def lines_of(block: LineBlock) -> Iterator[tuple[bytes, int]]:
    """Yield a block's lines, without their line ends, and where each begins."""
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
    """A known event. ``json_text`` is the line's JSON, of which Caliper ids are made.

    ``user`` and ``course_id`` are whom it is about and where it happened, whatever its fields say (see
    ``events.subjects``).
    """

    position: Position
    name: str
    fields: EventFields
    json_text: bytes
    user: Any
    course_id: Any


class Rejected(NamedTuple):
    """A line that gave no statement though it should have. Holds nothing of the line but the event's name.

    ``unparsable`` tells lines that are not events from known events that could not be transformed.
    """

    position: Position
    reason: str
    name: str | None = None
    unparsable: bool = False


class Statement(NamedTuple):
    """A finished statement: an xAPI statement, or a Caliper envelope whose event has this id.

    ``text`` is its JSON in UTF-8 on one line; ``timestamp`` is the event's, as the statement spells it.
    """

    id: str
    timestamp: str
    text: bytes


class TransformedEvent(NamedTuple):
    """A known event's statements, in order; ``routes`` are those that want them (see ``ALL_ROUTES``)."""

    position: Position
    name: str
    statements: tuple[Statement, ...]
    routes: int = ALL_ROUTES


# Millions of these are made, and a named tuple's own __new__ takes twice as long to make one.
new_position = partial(tuple.__new__, Position)
new_event = partial(tuple.__new__, Event)
new_statement = partial(tuple.__new__, Statement)
new_transformed_event = partial(tuple.__new__, TransformedEvent)


class PackedTexts(NamedTuple):
    """Texts in one: what they are joined, and how long each of them is."""

    joined: str
    lengths: array[int]

    def unpacked(self) -> list[str]:
        """Return the texts."""
        ends = [*accumulate(self.lengths)]
        return [self.joined[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@dataclass(frozen=True)
class PackedEvents(Sequence[TransformedEvent]):
    """The transformed events of a block by columns: as they travel between processes, and are logged.

    A few large objects are handed over many times faster than thousands of small ones, which are made only where
    somebody asks for one. ``lines`` are the texts of all statements, each with a line end.
    """

    object: str
    offsets: array[int]
    names: Sequence[str]
    routes: Sequence[int]
    statements_per_event: array[int]
    ids: PackedTexts
    timestamps: PackedTexts
    lines: Text = b""

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, index: int) -> TransformedEvent: ...
    @overload
    def __getitem__(self, index: slice) -> list[TransformedEvent]: ...
    def __getitem__(self, index: int | slice) -> TransformedEvent | list[TransformedEvent]:
        return self._unpacked[index]

    @cached_property
    def _unpacked(self) -> list[TransformedEvent]:
        # Nearly every loop of it runs in C.
        texts = bytes(self.lines).split(b"\n")[:-1]
        statements = map(new_statement, zip(self.ids.unpacked(), self.timestamps.unpacked(), texts, strict=True))
        positions = map(new_position, zip(repeat(self.object), self.offsets, strict=False))
        groups = map(tuple, map(islice, repeat(statements), self.statements_per_event))
        return list(map(new_transformed_event, zip(positions, self.names, groups, self.routes, strict=True)))


def statement_count(events: Sequence[TransformedEvent]) -> int:
    """Return how many statements the events have."""
    if isinstance(events, PackedEvents):
        return sum(events.statements_per_event)
    return sum(len(event.statements) for event in events)


def statement_lines(events: Sequence[TransformedEvent]) -> Text:
    """Return the texts of the events' statements, each with a line end; they need not last longer than the events."""
    if isinstance(events, PackedEvents):
        return events.lines
    return joined_lines([statement.text for event in events for statement in event.statements])


def joined_lines(texts: Iterable[bytes]) -> bytes:
    """Return texts, each with a line end."""
    return b"\n".join((*texts, b""))


#: The counters that are sums of others, at the end of every run.
SUMS = {
    "lines": ("blank", "unparsable", "unknown", "filtered", "known"),
    "known": ("transformed", "rejected"),
    "statements": ("delivered", "duplicate", "unrouted", "failed"),
}


@dataclass(slots=True)
class Counters:
    """The counters of a run, an object or a unit. At the end of a run they are balanced."""

    lines: int = 0
    blank: int = 0
    unparsable: int = 0
    unknown: int = 0
    filtered: int = 0
    known: int = 0
    transformed: int = 0
    rejected: int = 0
    statements: int = 0
    delivered: int = 0
    duplicate: int = 0
    unrouted: int = 0
    failed: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters(*(getattr(self, name.name) + getattr(other, name.name) for name in fields(self)))

    def __iadd__(self, other: Counters) -> Self:
        for counter in fields(self):
            setattr(self, counter.name, getattr(self, counter.name) + getattr(other, counter.name))
        return self

    @property
    def balanced(self) -> bool:
        """Return True if every line and every statement is accounted for."""
        return not self.imbalances()

    def imbalances(self) -> list[str]:
        """Return the equations of ``SUMS`` that do not hold, with their numbers."""
        found = []
        for name, parts in SUMS.items():
            whole, values = getattr(self, name), [getattr(self, part) for part in parts]
            if whole != sum(values):
                terms = " + ".join(f"{part} {value}" for part, value in zip(parts, values, strict=True))
                found.append(f"{name} {whole} is not {terms}")
        return found


@dataclass(slots=True)
class RouteCounters:
    """What became of the statements that one route of a destination wants; ``missed`` those that it is still owed.

    ``lost`` says why nothing can be sent to it, None where something can.
    """

    delivered: int = 0
    duplicate: int = 0
    failed: int = 0
    undelivered: int = 0
    lost: str | None = None

    def add(self, other: RouteCounters) -> None:
        """Add what became of more statements."""
        for name in ("delivered", "duplicate", "failed", "undelivered"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.lost = other.lost


@dataclass(slots=True)
class BlockResult:
    """What became of one block: its events with their statements, its rejects and its counters.

    ``transform_paths`` counts the events that were transformed natively, and those transformed by upstream's code, by
    reason; ``verified`` events were transformed by both, and ``differences`` are those where upstream differs.
    ``rejected_lines`` are the rejected lines themselves, by their offsets, where somebody asked for them.
    """

    object: str
    end_offset: int
    counters: Counters = field(default_factory=Counters)
    events: Sequence[TransformedEvent] = ()
    rejects: list[Rejected] = field(default_factory=list)
    statements_by_event: Counter[str] = field(default_factory=Counter)
    unknown_names: Counter[str] = field(default_factory=Counter)
    transform_paths: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    differences: list[tuple[Position, str]] = field(default_factory=list)
    rejected_lines: dict[int, bytes] = field(default_factory=dict)


class Refusal(NamedTuple):
    """A statement that a destination did not take, for the dead letters.

    ``status`` and ``fields`` are what the destination said, free of learner data: its status, and the names of the
    fields that it objects to. ``answer`` is its whole answer and ``text`` the statement: for those only who ask.
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
    """What of a batch was not sent to routes that are lost, while others got theirs.

    ``routes`` says how many statements each of them wants. ``outcomes`` has what each statement has come to at the
    others, by the name of its counter, or ``WITHHELD``. ``refusals`` are the dead letters, for runs that cannot be
    resumed.
    """

    routes: Mapping[str, int]
    outcomes: Sequence[str]
    refusals: Sequence[Refusal] = ()


#: The outcome of a statement that no route was to be given: where it is missing was found to have it.
WITHHELD = "withheld"


class LineRange(NamedTuple):
    """The events of a batch that are of one unit: where the first and the last begin, and how they were counted."""

    unit: int
    object: str
    first: int
    last: int
    counted: Mapping[str, int]


class BacklogEntry(NamedTuple):
    """A batch, by its number in the run, of which routes are owed something."""

    number: int
    line_ranges: Sequence[LineRange]
    undelivered: Undelivered


class Delivery(NamedTuple):
    """What became of a batch's statements at a destination; ``failures`` say why some failed.

    ``unrouted`` statements are those that no route of the destination wants. ``outcomes`` has the name of each
    statement's counter, in the batch's order, unless all have the same one. ``acknowledgement`` is what the destination
    needs to know of this batch when the run is resumed. ``refusals`` are the statements that failed, if the destination
    says which. ``routes`` maps each route's name to its counters. Statements that unavailable routes did not get
    (``undelivered``) count as failed.
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
