"""The profile of one block: what a dry run reports beyond the counters. It travels with the block's result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        long: statements that are longer than the threshold: index of the event, and index in the event.
        others: statements whose verb was not found, likewise.
    """

    size_bytes: int
    longest_bytes: int
    untimed: int
    hours: Mapping[int, int]
    verbs: Mapping[bytes, int]
    long: Sequence[tuple[int, int]]
    others: Sequence[tuple[int, int]]


@dataclass(slots=True)
class ProfileNotes:
    """Notes on a block for its profile, made while the block is read and transformed.

    Attributes:
        level: the level of the sample of lines; see ``ScannedLines``.
        scanned: the fields of ``ScannedLines``.
        transformed: user, course and statements of each transformed event.
        rejected: reason, user and course of each rejected event.
    """

    level: int
    scanned: tuple[Any, ...] = ()
    transformed: list[tuple[Any, Any, tuple[Any, ...]]] = field(default_factory=list)
    rejected: list[tuple[str, Any, Any]] = field(default_factory=list)


@dataclass(slots=True)
class BlockProfile:
    """The profile of one block.

    Attributes:
        start: the offset of the block.
        size_bytes: the length of the block, decompressed.
        level: the level of the sample of lines; see ``ScannedLines``.
        line_bytes_over: the lengths of logged lines that may be over a transport's limit, with the line's offset.
        courses: the number of statements by course id; None for events without a course.
        users: the ids of users with statements.
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
    courses: dict[str | None, int]
    users: set[int]
    missing: dict[str, set[int]]
    cpu_seconds: float = 0.0
    inspection_cpu_seconds: float = 0.0
