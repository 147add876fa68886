"""Make the profile of each block, in the process that transforms the block."""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import orjson

from log_replay import _speedups
from log_replay.block_profile import IDENTITY_REASONS, BlockProfile, CountedStatements, ProfileNotes, ScannedLines
from log_replay.inspect import counting
from log_replay.inspect.repeats import sample_level
from log_replay.statement_log.formatters import escape_replacement_characters
from log_replay.statement_log.line_limits import LINE_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from log_replay.identities import Identities
    from log_replay.records import BlockResult, LineBlock, Statement, TransformedEvent

#: The text before a statement's verb, by transformer type.
VERB_KEYS = {"xapi": b'"verb":{"id":"', "caliper": b'"action":"'}
#: More than the formats ``aspects`` and ``json`` usually add to a statement.
ENVELOPE_BYTES = 128
#: A statement of this length is over no transport's limit.
_SHORT_BYTES = min(LINE_LIMITS.values()) - ENVELOPE_BYTES
OTHER_VERB = b"(none)"
#: The maximum number of users whose ids are kept between blocks.
_MOST_USERS = 50_000
#: User, course and statements of an event; see ``ProfileNotes``.
Noted: TypeAlias = tuple[Any, Any, tuple[Any, ...]]
_user, _course = itemgetter(0), itemgetter(1)
NO_STATEMENTS = CountedStatements(0, 0, 0, {}, {}, (), ())

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

    def notes(self) -> ProfileNotes:
        """Return empty notes for the next block. Reading and transforming the block fills them."""
        return ProfileNotes(sample_level(self._lines))

    def profile(self, block: LineBlock, result: BlockResult, notes: ProfileNotes) -> BlockProfile:
        """Return the profile of a block.

        Args:
            block: the block.
            result: its result, with a list of events.
            notes: the notes on it.
        """
        self._lines += result.counters.lines
        events = cast("list[TransformedEvent]", result.events)
        statements = _count_statements(events, self._verb_key, _SHORT_BYTES) if events else NO_STATEMENTS
        over = [
            (len(escape_replacement_characters(_statement(events, place).text)), events[place[0]].position.offset)
            for place in statements.long
        ]
        if len(notes.transformed) != len(events):  # invalid statements were rejected
            kept = {id(event.statements) for event in events}
            notes.transformed = [found for found in notes.transformed if id(found[2]) in kept]
        users, missing = self._people(notes) if notes.transformed or notes.rejected else (set(), {})
        return BlockProfile(
            start=block.start,
            size_bytes=sum(map(len, block.pieces)),
            level=notes.level,
            lines=_scanned_lines(block, notes),
            statements=self._with_all_verbs(events, statements),
            line_bytes_over=over,
            courses=_statements_by_course(notes.transformed, result.counters.statements),
            users=users,
            missing=missing,
        )

    def _people(self, notes: ProfileNotes) -> tuple[set[int], dict[str, set[int]]]:
        """Return the ids of users with statements, and digests of the users and courses that were not found."""
        missing: defaultdict[str, set[int]] = defaultdict(set)
        if len(self._user_ids) > _MOST_USERS:
            self._user_ids.clear()
        known, values = self._user_ids, _distinct_users(notes.transformed)
        # Not ``values - known.keys()``, which looks at every known user.
        for value in values.difference(known):
            user_id = self._identities.user_id(value)
            if user_id is not None:
                known[value] = user_id
            elif value:  # statements that identify users by mail do not need them
                missing["unknown_user"].add(_digest(repr(value)))
        users = set(map(known.get, values))
        users.discard(None)
        for reason, text in _not_found(notes.rejected):
            missing[reason].add(_digest(text))
        return cast("set[int]", users), dict(missing)

    def _with_all_verbs(self, events: Sequence[TransformedEvent], statements: CountedStatements) -> CountedStatements:
        """Parse the statements in which the verb has no fixed place: upstream's own, of plugins."""
        if not statements.others:
            return statements._replace(long=())
        verbs = dict(statements.verbs)
        for place in statements.others:
            verb = self._parsed_verb(_statement(events, place))
            verbs[verb] = verbs.get(verb, 0) + 1
        return statements._replace(verbs=verbs, long=(), others=())

    def _parsed_verb(self, statement: Statement) -> bytes:
        made = orjson.loads(statement.text)
        if self._type == "caliper":
            made = made["data"][0] if "dataVersion" in made else made
            found = made.get("action")
        else:
            found = (made.get("verb") or {}).get("id")
        return found.encode() if isinstance(found, str) else OTHER_VERB


def _scanned_lines(block: LineBlock, notes: ProfileNotes) -> ScannedLines:
    scanned = ScannedLines._make(notes.scanned)
    return scanned._replace(untimed=scanned.untimed + len(block.oversized)) if block.oversized else scanned


def _count_statements(events: list[TransformedEvent], verb_key: bytes, threshold: int) -> CountedStatements:
    count = _speedups.count_statements or counting.count_statements
    return CountedStatements._make(count(events, verb_key, threshold))


def _statement(events: Sequence[TransformedEvent], place: tuple[int, int]) -> Statement:
    return events[place[0]].statements[place[1]]


def _statements_by_course(transformed: Sequence[Noted], statement_count: int) -> dict[str | None, int]:
    """Return the number of statements by course id. ``statement_count`` is the number of all statements."""
    try:
        counts = Counter(map(_course, transformed))
    except TypeError:  # a value that cannot be hashed is no course id
        counts = Counter(course if isinstance(course, str) else None for _, course, _ in transformed)
    by_course: defaultdict[str | None, int] = defaultdict(int)
    for course, number in counts.items():
        by_course[course or None] += number
    if statement_count != len(transformed):  # some events have several statements
        for _, course, statements in transformed:
            if len(statements) != 1:
                by_course[course if isinstance(course, str) and course else None] += len(statements) - 1
    return dict(by_course)


def _distinct_users(transformed: Sequence[Noted]) -> set[Any]:
    """Return the different users, without values that cannot be hashed and so name no user."""
    try:
        return set(map(_user, transformed))
    except TypeError:
        return {user for user, _, _ in transformed if user.__hash__ is not None}


def _not_found(rejected: Iterable[tuple[str, Any, Any]]) -> set[tuple[str, str]]:
    """Return the different users and courses that were not found, each with the reason for the reject."""
    return {
        (reason, repr(course if reason == "unknown_course" else user))
        for reason, user, course in rejected
        if reason in IDENTITY_REASONS
    }


def _digest(text: str) -> int:
    """Return a digest of a value's text. Unlike ``hash``, it is the same in all processes."""
    return int.from_bytes(blake2b(text.encode(errors="backslashreplace"), digest_size=8).digest())
