"""Make the profile of each block, in the process that transforms the block."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from log_replay import _speedups
from log_replay.block_profile import (
    IDENTITY_REASONS,
    BlockProfile,
    CountedEvents,
    CountedStatements,
    ProfileNotes,
    ScannedLines,
)
from log_replay.inspect import counting
from log_replay.inspect.repeats import sample_level
from log_replay.statement_log.formatters import escape_replacement_characters
from log_replay.statement_log.line_limits import LINE_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from log_replay.block_profile import NotedTuple, RejectedEvent
    from log_replay.identities import Identities
    from log_replay.records import BlockResult, LineBlock

#: The text before a statement's verb, by transformer type.
VERB_KEYS = {"xapi": b'"verb":{"id":"', "caliper": b'"action":"'}
#: More than the formats ``aspects`` and ``json`` usually add to a statement.
ENVELOPE_BYTES = 128
#: A statement of this length is over no transport's limit.
_SHORT_BYTES = min(LINE_LIMITS.values()) - ENVELOPE_BYTES
OTHER_VERB = b"(none)"
#: The maximum number of users whose ids are kept between blocks.
_MOST_USERS = 50_000
K = TypeVar("K")

_user, _statements = itemgetter(0), itemgetter(2)
NOTHING = CountedStatements(0, 0, 0, {}, {}, (), ())

_speedups.check_layout("ScannedLines", ScannedLines._fields)


class BlockProfiler:
    """Makes the profiles of the blocks that one process transforms.

    Args:
        transformer_type: ``xapi`` or ``caliper``.
        identities: the users and courses of the blocks.
    """

    def __init__(self, transformer_type: str, identities: Identities) -> None:
        self._verb_key = VERB_KEYS[transformer_type]
        self._type = transformer_type
        self._identities = identities
        #: The ids of users by the values in events. To ask ``identities`` takes 0.5 us, and most users occur again.
        self._user_ids: dict[Any, int] = {}
        self._lines = 0

    def notes(self, *, events_can_change: bool) -> ProfileNotes:
        """Return empty notes for the next block. Reading and transforming the block fills them.

        Args:
            events_can_change: after they are transformed, events or statements may be removed.
        """
        tally = None
        if _speedups.new_tally and not events_can_change:
            tally = _speedups.new_tally(self._verb_key, _SHORT_BYTES)
        return ProfileNotes(sample_level(self._lines), tally)

    def profile(self, block: LineBlock, result: BlockResult, notes: ProfileNotes) -> BlockProfile:
        """Return the profile of a block.

        Args:
            block: the block.
            result: its result, with a list of events.
            notes: the notes on it.
        """
        self._lines += result.counters.lines
        if notes.tally is None and len(notes.transformed) != len(result.events):  # invalid statements were rejected
            kept = {id(event.statements) for event in result.events}
            notes.transformed = [found for found in notes.transformed if id(_statements(found)) in kept]
        statements, courses, users, rejected = _tallied(notes)
        missing: defaultdict[str, set[int]] = defaultdict(set)
        if notes.transformed:
            statements = _added(statements, _count_statements(notes.transformed, self._verb_key, _SHORT_BYTES))
            courses = _sum(courses, _statements_by_course(notes.transformed))
            users.extend(self._ids_of_users(notes.transformed, missing))
        for reason, text in _not_found([*notes.rejected, *rejected]):
            missing[reason].add(_digest(text))
        return BlockProfile(
            start=block.start,
            size_bytes=sum(map(len, block.pieces)),
            level=notes.level,
            lines=_scanned_lines(block, notes),
            statements=self._with_all_verbs(statements),
            line_bytes_over=sorted(
                (offset, len(escape_replacement_characters(text))) for offset, text in statements.long
            ),
            courses=courses,
            users=users,
            missing=dict(missing),
        )

    def _ids_of_users(self, transformed: Sequence[NotedTuple], missing: dict[str, set[int]]) -> set[int]:
        """Return the ids of users with statements, and add digests of the users that are not found."""
        if len(self._user_ids) > _MOST_USERS:
            self._user_ids.clear()
        known, values = self._user_ids, _distinct_users(transformed)
        # Not ``values - known.keys()``, which looks at every known user.
        for value in values.difference(known):
            user_id = self._identities.user_id(value)
            if user_id is not None:
                known[value] = user_id
            elif value:  # statements that identify users by mail do not need them
                missing["unknown_user"].add(_digest(repr(value)))
        return {known[value] for value in values if value in known}

    def _with_all_verbs(self, statements: CountedStatements) -> CountedStatements:
        """Parse the statements in which the verb has no fixed place: upstream's own, of plugins."""
        if not statements.others:
            return statements._replace(long=()) if statements.long else statements
        parsed = Counter(self._parsed_verb(text) for _, text in statements.others)
        return statements._replace(verbs=_sum(statements.verbs, parsed), long=(), others=())

    def _parsed_verb(self, text: bytes) -> bytes:
        made = orjson.loads(text)
        if self._type == "caliper":
            made = made["data"][0] if "dataVersion" in made else made
            found = made.get("action")
        else:
            found = (made.get("verb") or {}).get("id")
        return found.encode() if isinstance(found, str) else OTHER_VERB


def _scanned_lines(block: LineBlock, notes: ProfileNotes) -> ScannedLines:
    scanned = ScannedLines._make(notes.scanned)
    return scanned._replace(untimed=scanned.untimed + len(block.oversized)) if block.oversized else scanned


def _tallied(
    notes: ProfileNotes,
) -> tuple[CountedStatements, Mapping[str, int], array[int], list[RejectedEvent]]:
    """Return the statements, the courses, the users and the rejected events that the tally has counted."""
    if notes.tally is None or not _speedups.count_tally:
        return NOTHING, {}, array("q"), []
    counted = CountedEvents._make(_speedups.count_tally(notes.tally))
    return CountedStatements._make(counted.statements), counted.courses, array("q", counted.users), counted.rejected


def _sum(one: Mapping[K, int], other: Mapping[K, int]) -> Mapping[K, int]:
    """Return the sum of numbers by key."""
    return {**one, **{key: one.get(key, 0) + number for key, number in other.items()}}


def _added(one: CountedStatements, other: CountedStatements) -> CountedStatements:
    return CountedStatements(
        one.size_bytes + other.size_bytes,
        max(one.longest_bytes, other.longest_bytes),
        one.untimed + other.untimed,
        _sum(one.hours, other.hours),
        _sum(one.verbs, other.verbs),
        [*one.long, *other.long],
        [*one.others, *other.others],
    )


def _count_statements(transformed: list[NotedTuple], verb_key: bytes, threshold: int) -> CountedStatements:
    count = _speedups.count_statements or counting.count_statements
    return CountedStatements._make(count(transformed, verb_key, threshold))


def _statements_by_course(transformed: Sequence[NotedTuple]) -> dict[str, int]:
    """Return the number of statements by course id, which is empty for events without a course."""
    by_course: defaultdict[str, int] = defaultdict(int)
    for _, course, statements, _ in transformed:
        by_course[course if isinstance(course, str) else ""] += len(statements)
    return dict(by_course)


def _distinct_users(transformed: Sequence[NotedTuple]) -> set[Any]:
    """Return the different users, without values that cannot be hashed and so name no user."""
    try:
        return set(map(_user, transformed))
    except TypeError:
        return {user for user, *_ in transformed if user.__hash__ is not None}


def _not_found(rejected: Iterable[RejectedEvent]) -> set[tuple[str, str]]:
    """Return the different users and courses that were not found, each with the reason for the reject."""
    return {
        (reason, repr(course if reason == "unknown_course" else user))
        for reason, user, course in rejected
        if reason in IDENTITY_REASONS
    }


def _digest(text: str) -> int:
    """Return a digest of a value's text. Unlike ``hash``, it is the same in all processes."""
    return int.from_bytes(blake2b(text.encode(errors="backslashreplace"), digest_size=8).digest())
