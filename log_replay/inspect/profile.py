"""The profile of a log: what the dry run of each block has found, added up in bounded memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from log_replay.block_profile import IDENTITY_REASONS
from log_replay.counters import Counters, ValidationCounts
from log_replay.inspect.distinct import Distinct, NamedCounts
from log_replay.inspect.hours import HourCounts
from log_replay.inspect.repeats import OBJECTS, LineSample, ObjectProfile
from log_replay.records import Position, Rejected
from log_replay.statement_log.line_limits import LINE_LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.block_profile import BlockProfile
    from log_replay.records import BlockResult, SourceObject

#: What the format ``aspects`` adds to a statement: the date, the logger and the place in the code.
ASPECTS_PREFIX_BYTES = len("2026-11-21 09:12:13,123 INFO 1234567 [xapi_tracking] [user None] [ip None] emit.py:53 - ")
#: The reason, the event's name and the detail of a reject.
_kind_of_reject = attrgetter("reason", "name", "detail")


@dataclass(slots=True)
class RejectProfile:
    """The rejects of one reason: their number by event and by detail, and the position of the first one."""

    events: NamedCounts = field(default_factory=NamedCounts)
    details: NamedCounts = field(default_factory=NamedCounts)
    count: int = 0
    first: Position | None = None

    def add(self, name: str | None, detail: str | None, number: int) -> None:
        """Add a number of rejects with the same event name and detail."""
        if name:
            self.events.add_one(name, number)
        if detail:
            self.details.add_one(detail, number)
        self.count += number

    def merge(self, other: RejectProfile) -> None:
        """Add the rejects of a later part of the log."""
        self.events.merge(other.events)
        self.details.merge(other.details)
        self.count += other.count
        self.first = self.first or other.first


@dataclass(slots=True)
class OverLimit:
    """The statements whose line is over the limit of one transport, and the position of the first one."""

    count: int = 0
    first: Position | None = None


@dataclass(slots=True)
class Profile:
    """The profile of a log, or of a part of it. Profiles of successive parts can be merged in their order.

    ``add`` is the only place where the figures of a block enter.

    Attributes:
        objects: the figures of each object, in the order in which they were read; of the first ``OBJECTS`` at most.
        more_objects: the number of objects beyond them.
        stored_bytes: the size of all objects as stored, as far as the source tells.
        events_by_group: the number of transformed events by group of units: no batch has events of two groups.
        cpu_seconds: the CPU time for transforming blocks, in all processes.
        inspection_cpu_seconds: the CPU time for validating statements and for profiles, likewise.
    """

    objects: list[ObjectProfile] = field(default_factory=list)
    more_objects: int = 0
    stored_bytes: int = 0
    size_bytes: int = 0
    counters: Counters = field(default_factory=Counters)
    first: int = -1
    last: int = -1
    lines_by_hour: HourCounts = field(default_factory=HourCounts)
    statements_by_hour: HourCounts = field(default_factory=HourCounts)
    untimed_lines: int = 0
    sample: LineSample = field(default_factory=LineSample)
    statement_bytes: int = 0
    longest_statement_bytes: int = 0
    untimed_statements: int = 0
    statements_by_event: NamedCounts = field(default_factory=NamedCounts)
    statements_by_verb: NamedCounts = field(default_factory=NamedCounts)
    statements_by_course: NamedCounts = field(default_factory=NamedCounts)
    users: Distinct = field(default_factory=Distinct)
    missing: dict[str, Distinct] = field(default_factory=lambda: {reason: Distinct() for reason in IDENTITY_REASONS})
    over_limits: dict[str, OverLimit] = field(default_factory=lambda: {name: OverLimit() for name in LINE_LIMITS})
    rejects: dict[str, RejectProfile] = field(default_factory=dict)
    unknown_names: NamedCounts = field(default_factory=NamedCounts)
    transform_paths: Counter[str] = field(default_factory=Counter)
    validation: ValidationCounts | None = None
    events_by_group: Counter[int] = field(default_factory=Counter)
    cpu_seconds: float = 0.0
    inspection_cpu_seconds: float = 0.0
    _group: int = 0

    def begin(self, obj: SourceObject, group: int = 0) -> None:
        """Begin a unit of an object, in a group. Units of the same object follow each other."""
        self._group = group
        if self.objects and self.objects[-1].name == obj.name and not self.more_objects:
            return
        self.stored_bytes += obj.size_bytes or 0
        if len(self.objects) < OBJECTS:
            self.objects.append(ObjectProfile(obj.name, obj.size_bytes))
        else:
            self.more_objects += 1

    def add(self, result: BlockResult) -> None:
        """Add a block of the current object."""
        self.counters += result.counters
        self.events_by_group[self._group] += result.counters.transformed
        self.statements_by_event.add(result.statements_by_event)
        self.unknown_names.add(result.unknown_names)
        self._add_validation(result.validation)
        if result.counters.known:  # most blocks of some logs have no known events
            self.transform_paths.update(result.transform_paths)
        if result.rejects:
            self._add_rejects(result.rejects)
        current = self._current
        current.statements += result.counters.statements
        current.rejects += len(result.rejects)
        if result.profile is None:  # lines of --from_rejects that do not exist
            current.lines += result.counters.lines
            self.untimed_lines += result.counters.lines
        else:
            current.add(result.profile.size_bytes, result.counters.lines, result.profile.lines)
            self._add_block(result.object, result.profile)

    def _add_rejects(self, rejects: Sequence[Rejected]) -> None:
        for (reason, name, detail), number in Counter(map(_kind_of_reject, rejects)).items():
            found = self.rejects.get(reason)
            if not found:
                first = next(rejected.position for rejected in rejects if rejected.reason == reason)
                found = self.rejects[reason] = RejectProfile(first=first)
            found.add(name, detail, number)

    def _add_block(self, name: str, profile: BlockProfile) -> None:
        self.size_bytes += profile.size_bytes
        self._add_lines(profile)
        if profile.statements.size_bytes:
            self._add_statements(name, profile)
        for reason, digests in profile.missing.items():
            if reason in self.missing:
                self.missing[reason].add(digests)
        self.cpu_seconds += profile.cpu_seconds
        self.inspection_cpu_seconds += profile.inspection_cpu_seconds

    def _add_statements(self, name: str, profile: BlockProfile) -> None:
        statements = profile.statements
        self.statement_bytes += statements.size_bytes
        self.longest_statement_bytes = max(self.longest_statement_bytes, statements.longest_bytes)
        self.statements_by_hour.add(statements.hours)
        self.untimed_statements += statements.untimed
        self.statements_by_verb.add({verb.decode(errors="replace"): n for verb, n in statements.verbs.items()})
        self.statements_by_course.add(profile.courses)
        self.users.add(profile.users)
        for offset, length in profile.line_bytes_over:
            for transport, limit in LINE_LIMITS.items():
                if length + ASPECTS_PREFIX_BYTES > limit:
                    over = self.over_limits[transport]
                    over.count += 1
                    over.first = over.first or Position(name, offset)

    def _add_validation(self, counts: ValidationCounts | None) -> None:
        if counts:
            self.validation = self.validation or ValidationCounts()
            self.validation += counts

    def _add_lines(self, profile: BlockProfile) -> None:
        lines = profile.lines
        self.lines_by_hour.add(lines.hours)
        self.untimed_lines += lines.untimed
        if lines.first >= 0:
            self._widen(lines.first, lines.last)
        if not self.more_objects:
            self.sample.add(len(self.objects) - 1, profile, self.counters.lines)

    def merge(self, other: Profile) -> None:
        """Add the profile of a later part of the log. The other profile must not be used any more."""
        numbers = self._merge_objects(other)
        self.counters += other.counters
        self.size_bytes += other.size_bytes
        if other.first >= 0:
            self._widen(other.first, other.last)
        self.lines_by_hour.merge(other.lines_by_hour)
        self.statements_by_hour.merge(other.statements_by_hour)
        self.untimed_lines += other.untimed_lines
        self.untimed_statements += other.untimed_statements
        self.sample.merge(other.sample, numbers, self.counters.lines)
        self.statement_bytes += other.statement_bytes
        self.longest_statement_bytes = max(self.longest_statement_bytes, other.longest_statement_bytes)
        for name in ("statements_by_event", "statements_by_verb", "statements_by_course", "users", "unknown_names"):
            getattr(self, name).merge(getattr(other, name))
        for reason, distinct in other.missing.items():
            self.missing[reason].merge(distinct)
        for transport, over in other.over_limits.items():
            mine = self.over_limits[transport]
            mine.count, mine.first = mine.count + over.count, mine.first or over.first
        for reason, rejects in other.rejects.items():
            self.rejects.setdefault(reason, RejectProfile()).merge(rejects)
        self.transform_paths += other.transform_paths
        self._add_validation(other.validation)
        self.events_by_group += other.events_by_group
        self.cpu_seconds += other.cpu_seconds
        self.inspection_cpu_seconds += other.inspection_cpu_seconds

    def _merge_objects(self, other: Profile) -> list[int]:
        """Add the objects of a later part, and return the number that each of them has here."""
        self.stored_bytes += other.stored_bytes
        parts = list(other.objects)
        numbers = []
        if parts and self.objects and parts[0].name == self.objects[-1].name:
            part, mine = parts.pop(0), self.objects[-1]
            self.stored_bytes -= part.stored_bytes or 0
            mine.add(part.size_bytes, part.lines, part)
            mine.statements += part.statements
            mine.rejects += part.rejects
            numbers.append(len(self.objects) - 1)
        kept = parts[: OBJECTS - len(self.objects)]
        numbers += range(len(self.objects), len(self.objects) + len(parts))
        self.objects += kept
        self.more_objects += len(parts) - len(kept) + other.more_objects
        return numbers

    @property
    def _current(self) -> ObjectProfile:
        return self.objects[-1] if not self.more_objects else ObjectProfile("")

    def _widen(self, first: int, last: int) -> None:
        self.first = first if self.first < 0 else min(self.first, first)
        self.last = max(self.last, last)
