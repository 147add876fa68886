"""The profile of one block: what a dry run reports beyond the counters. It travels with the block's result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    #: The fields of ``NotedEvent``.
    NotedTuple: TypeAlias = tuple[Any, Any, tuple[Any, ...], int]
    #: Reason, user and course.
    RejectedEvent: TypeAlias = tuple[str, Any, Any]

#: Reasons for rejects with which users or courses of the events are counted.
IDENTITY_REASONS = ("unknown_user", "no_external_id", "unknown_course")


class ScannedLines(NamedTuple):
    """The times of a text's lines, and a sample of the lines.

    Times are in microseconds since 1970, and hours in whole hours since 1970.

    Attributes:
        first: the earliest time, -1 if no line has one.
        last: the latest time, likewise.
        untimed: the number of lines without a time.
        hours: the number of lines by hour.
        fingerprint: the sum of the digests of all lines, modulo 2**64.
        sample: digest and time of each line with a time whose digest begins with ``level`` zero bits, as native
            unsigned integers of 64 bits.
    """

    first: int
    last: int
    untimed: int
    hours: Mapping[int, int]
    fingerprint: int
    sample: bytes


class CountedStatements(NamedTuple):
    """The statements of a block's events.

    Attributes:
        size_bytes: the length of all statements' JSON.
        longest_bytes: the length of the longest one.
        untimed: the number of statements whose timestamp cannot be read.
        hours: the number of statements by hour since 1970.
        verbs: the number of statements by verb (xAPI) or action (Caliper).
        long: statements that are longer than the threshold: the offset of the event, and the JSON.
        others: statements whose verb was not found, likewise.
    """

    size_bytes: int
    longest_bytes: int
    untimed: int
    hours: Mapping[int, int]
    verbs: Mapping[bytes, int]
    long: Sequence[tuple[int, bytes]]
    others: Sequence[tuple[int, bytes]]


class CountedEvents(NamedTuple):
    """The events of a block that were transformed or rejected in C.

    Attributes:
        statements: the fields of ``CountedStatements``.
        courses: the number of statements by course id, which is empty for events without a course.
        users: the ids of users with statements, each once, as native signed integers of 64 bits.
        rejected: reason, user and course of each rejected event.
    """

    statements: tuple[Any, ...]
    courses: Mapping[str, int]
    users: bytes
    rejected: list[RejectedEvent]


class NotedEvent(NamedTuple):
    """What the profile of a block needs of a transformed event. Plain tuples have the same fields."""

    user: Any
    course_id: Any
    statements: tuple[Any, ...]
    offset: int


@dataclass(slots=True)
class ProfileNotes:
    """Notes on a block for its profile, made while the block is read and transformed.

    Attributes:
        level: the level of the sample of lines; see ``ScannedLines``.
        tally: counts the events that are transformed in C; None if they are noted one by one like the others.
        scanned: the fields of ``ScannedLines``.
        transformed: the transformed events that the tally does not count.
        rejected: reason, user and course of each rejected event that the tally does not count.
    """

    level: int
    tally: Any = None
    scanned: tuple[Any, ...] = ()
    transformed: list[NotedTuple] = field(default_factory=list)
    rejected: list[RejectedEvent] = field(default_factory=list)

    @property
    def counted_in_c(self) -> Any:
        """What ``transform_line`` adds events to: the tally, or the list of events if there is none."""
        return self.transformed if self.tally is None else self.tally


@dataclass(slots=True)
class BlockProfile:
    """The profile of one block.

    Attributes:
        start: the offset of the block.
        size_bytes: the length of the block, decompressed.
        level: the level of the sample of lines; see ``ScannedLines``.
        line_bytes_over: the offset of an event and the length of its statement, if it may be over a transport's limit.
        courses: the number of statements by course id, which is empty for events without a course.
        users: the ids of users with statements, some of them twice.
        missing: digests of users and courses that were not found, by the reason in ``IDENTITY_REASONS``.
        cpu_seconds: the CPU time for transforming the block.
        inspection_cpu_seconds: the CPU time for validating its statements and for this profile.
    """

    start: int
    size_bytes: int
    level: int
    lines: ScannedLines
    statements: CountedStatements
    line_bytes_over: list[tuple[int, int]]
    courses: Mapping[str, int]
    users: Collection[int]
    missing: dict[str, set[int]]
    cpu_seconds: float = 0.0
    inspection_cpu_seconds: float = 0.0
