"""The report of a run: its counters, and everything else that its summary shows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from log_replay.counters import Counters, RouteCounters, ValidationCounts
from log_replay.records import Position, statement_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from log_replay.errors import LogReplayError
    from log_replay.records import BacklogEntry, BlockResult, Delivery, SkippedObject, TransformedEvent, Unit
    from log_replay.statement_log import LineLimit

#: The counters of statements. Each statement is counted in one of them.
OUTCOMES = ("delivered", "duplicate", "unrouted", "failed")
#: The number of unknown event names, and of unsupported shapes, that are counted separately.
SEPARATE_NAMES = 1000
OTHER_NAMES = "(others)"
#: The number of objects whose counters a bounded report keeps separately, and of skipped objects that it names.
SEPARATE_OBJECTS = 20_000
OTHER_OBJECTS = "(others)"


@dataclass(slots=True)
class ObjectCounters:
    """The counters of one object, by unit, with the start of each unit.

    Most objects have one unit, for which tuples take half the memory of lists.
    """

    starts: tuple[int, ...] = ()
    counters: tuple[Counters, ...] = ()

    def add(self, start: int, counters: Counters) -> None:
        """Add a unit. A resumed run adds units in any order."""
        place = bisect_right(self.starts, start)
        self.starts = (*self.starts[:place], start, *self.starts[place:])
        self.counters = (*self.counters[:place], counters, *self.counters[place:])

    @property
    def total(self) -> Counters:
        """The counters of all units. They are those of the unit itself if there is only one."""
        return self.counters[0] if len(self.counters) == 1 else sum(self.counters, Counters())

    def at(self, offset: int) -> Counters:
        """Return the counters of the unit of a line."""
        return self.counters[bisect_right(self.starts, offset) - 1]


@dataclass(slots=True)
class Report:
    """The report of a run. It is valid at any time, even if the run is interrupted.

    Attributes:
        run: the name of the run in the ledger, if the ledger stores it.
        bounded: True to keep the counters of ``SEPARATE_OBJECTS`` objects only, each for all its units, and to add up
            those of the others: for runs that nothing can resume.
        units: the counters of each unit, by its number. In a bounded report, units can be missing.
        more_skipped: the number of skipped objects that a bounded report does not name.
        failed_objects: the errors of objects that could not be read to their end.
        stopped: the reason why the run stopped before its end.
        limit: the number of statements of ``--limit`` after which the run ended, or None if it read everything.
        refusals: the number of statements that the destination refused, by its reason.
        transform_paths: the number of events by transform path: ``native``, or the reason for a fallback.
        unsupported_shapes: the number of events that only upstream's code supports, by name and shape.
        verified: the number of events that were transformed natively and by upstream.
        differences: the events among them for which the statements differ.
        lost_by_loggers: the number of statements that the listener of a logger did not receive.
        routes: the counters of each route of the destination, by its name.
        position: the position of the last line that was counted.
        c_extension: True if the C extension is used.
        dry_run: True if nothing is stored or sent: ``delivered`` then counts what would be delivered.
        filters: the options that select events, such as ``--course X``.
        matched_filters: those of them that at least one event matched.
        validation: the result of checking the statements, if the run checks them.
    """

    run: str | None = None
    bounded: bool = False
    units: dict[int, Counters] = field(default_factory=dict)
    skipped: list[SkippedObject] = field(default_factory=list)
    more_skipped: int = 0
    failed_objects: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    limit: int | None = None
    refusals: Counter[str] = field(default_factory=Counter)
    statements_by_event: Counter[str] = field(default_factory=Counter)
    rejects_by_reason: Counter[str] = field(default_factory=Counter)
    unknown_names: Counter[str] = field(default_factory=Counter)
    over_line_limit: LineLimit | None = None
    transform_paths: Counter[str] = field(default_factory=Counter)
    unsupported_shapes: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    differences: list[tuple[Position, str]] = field(default_factory=list)
    lost_by_loggers: int = 0
    routes: dict[str, RouteCounters] = field(default_factory=dict)
    position: Position | None = None
    c_extension: bool = True
    dry_run: bool = False
    filters: tuple[str, ...] = ()
    matched_filters: set[str] = field(default_factory=set)
    validation: ValidationCounts | None = None
    seconds: float = 0.0
    _objects: dict[str, ObjectCounters] = field(default_factory=dict)
    _more_objects: Counters = field(default_factory=Counters)
    _current: Counters = field(default_factory=Counters)

    @property
    def objects(self) -> dict[str, Counters]:
        """The counters of each object, in the order in which they were read, and those of other objects at the end."""
        others = {OTHER_OBJECTS: self._more_objects} if self._more_objects != Counters() else {}
        return {name: units.total for name, units in self._objects.items()} | others

    @property
    def total(self) -> Counters:
        """The counters of all objects."""
        return sum(self.units.values(), Counters()) + self._more_objects

    @property
    def complete(self) -> bool:
        """True if every object was read to its end, every statement arrived and the counters are balanced."""
        failed = self._more_objects.failed or any(counters.failed for counters in self.units.values())
        problems = self.stopped or self.failed_objects or self.lost_by_loggers or self.differences or self.imbalances
        return not (problems or failed)

    @property
    def imbalances(self) -> dict[str, list[str]]:
        """The equations that the counters of an object do not fulfil, by object: each is a defect of Log Replay."""
        found = {name: counters.imbalances() for name, counters in self.objects.items()}
        return {name: equations for name, equations in found.items() if equations}

    @property
    def unmatched_filters(self) -> list[str]:
        """The options that no event matched, such as ``--course X``; none before all logs are read."""
        return (
            []
            if self.stopped or self.limit
            else [option for option in self.filters if option not in self.matched_filters]
        )

    @property
    def routes_with_backlog(self) -> frozenset[str]:
        """The routes with undelivered statements."""
        return frozenset(name for name, counters in self.routes.items() if counters.undelivered)

    @property
    def backlog_messages(self) -> list[str]:
        """A message for each route with undelivered statements."""
        return [
            f"{counters.undelivered:,} statements not delivered to unavailable route {name}"
            + (f" ({counters.unavailable})" if counters.unavailable else "")
            for name, counters in self.routes.items()
            if counters.undelivered
        ]

    @property
    def rejects(self) -> int:
        """The number of lines that should have given a statement and did not."""
        return self.rejects_by_reason.total()

    def begin(self, unit: Unit) -> None:
        """Count into this unit from now on."""
        if self.bounded and unit.object.name in self._objects:
            self._current = self._objects[unit.object.name].at(unit.start)
        elif self.bounded and len(self._objects) >= SEPARATE_OBJECTS:
            self._current = self._more_objects
        else:
            if unit.number not in self.units:
                self.restore(unit, Counters())
            self._current = self.units[unit.number]
        self.position = Position(unit.object.name, unit.offset or unit.start)

    def restore(self, unit: Unit, counters: Counters) -> None:
        """Restore the counters of a unit from the ledger, without statements that were not delivered."""
        counters.statements = counters.delivered + counters.duplicate + counters.unrouted + counters.failed
        self.units[unit.number] = counters
        self._objects.setdefault(unit.object.name, ObjectCounters()).add(unit.start, counters)

    def skip(self, skipped: SkippedObject) -> None:
        """Note an object that is not a log."""
        if self.bounded and len(self.skipped) >= SEPARATE_OBJECTS:
            self.more_skipped += 1
        else:
            self.skipped.append(skipped)

    def count_again(self, result: BlockResult) -> None:
        """Add the statements of a block whose lines were counted, but not delivered, before the run was interrupted."""
        self._current.statements += result.counters.statements
        self.position = Position(result.object, result.end_offset)

    def count_block(self, result: BlockResult) -> None:
        """Add the counters of a block. Its statements are counted as delivered or failed later."""
        self._current += result.counters
        self.position = Position(result.object, result.end_offset)
        _add_counts(self.statements_by_event, result.statements_by_event)
        if result.rejects:
            self.rejects_by_reason.update(rejected.reason for rejected in result.rejects)
        _add_counts(self.transform_paths, result.transform_paths)
        self.matched_filters |= result.matched_filters
        self.verified += result.verified
        self.differences += result.differences
        add_names(self.unknown_names, result.unknown_names)
        add_names(self.unsupported_shapes, result.unsupported_shapes)
        if result.validation:
            self.validation = self.validation or ValidationCounts()
            self.validation += result.validation

    def count_delivery(self, batch: Sequence[TransformedEvent], delivery: Delivery) -> None:
        """Count each statement of a batch by its delivery result, in its own unit."""
        if delivery.outcomes:
            outcomes = iter(delivery.outcomes)
            for counters, statements in self._by_unit(batch):
                for outcome, count in Counter(islice(outcomes, statements)).items():
                    setattr(counters, outcome, getattr(counters, outcome) + count)
        else:
            outcome = next((name for name in OUTCOMES if getattr(delivery, name)), "delivered")
            for counters, statements in self._by_unit(batch):
                setattr(counters, outcome, getattr(counters, outcome) + statements)
        self.refusals.update(delivery.failures)
        for name, route_counters in delivery.routes.items():
            self.routes.setdefault(name, RouteCounters()).add(route_counters)

    def count_redelivery(self, entry: BacklogEntry, batch: Sequence[TransformedEvent], delivery: Delivery) -> None:
        """Replace the earlier counts of a batch of the backlog by the result of its redelivery."""
        for line_range in entry.line_ranges:
            counters = self.units[line_range.unit]
            for outcome, count in line_range.counted.items():
                setattr(counters, outcome, getattr(counters, outcome) - count)
                counters.statements -= count
        for counters, statements in self._by_unit(batch):
            counters.statements += statements
        self.count_delivery(batch, delivery)

    def count_failed(self, statements: int) -> None:
        """Count statements of the current unit as failed, until ``count_logged`` counts them as delivered."""
        self._current.failed += statements

    def count_logged(self, statements: int) -> None:
        """Count statements of the current unit as delivered that were counted as failed."""
        self._current.failed -= statements
        self._current.delivered += statements

    def count_undelivered(self, events: Sequence[TransformedEvent]) -> None:
        """Count the statements of these events as failed, since the run ends before their delivery."""
        for counters, statements in self._by_unit(events):
            counters.failed += statements

    def _by_unit(self, events: Sequence[TransformedEvent]) -> Iterator[tuple[Counters, int]]:
        """Yield the counters of each unit with some of these events, and the number of their statements.

        The events of a unit are next to each other. So a binary search finds the last of them.
        """
        begin = 0
        while begin < len(events):
            counters = self._counters_of(events[begin])
            end = self._end_of_unit(events, begin, counters)
            yield counters, statement_count(events[begin:end])
            begin = end

    def _end_of_unit(self, events: Sequence[TransformedEvent], begin: int, counters: Counters) -> int:
        def in_next_unit(event: TransformedEvent) -> bool:
            return self._counters_of(event) is not counters

        return bisect_left(events, True, begin, key=in_next_unit)  # noqa: FBT003 - bisect has no keyword for it

    def _counters_of(self, event: TransformedEvent) -> Counters:
        name, offset = event.position
        found = self._objects.get(name)
        return found.at(offset) if found else self._more_objects

    def fail_object(self, name: str, error: LogReplayError) -> None:
        """Note the first error of an object that could not be replayed whole. All other lines count."""
        self.failed_objects.setdefault(name, str(error))

    def as_dict(self) -> dict[str, Any]:
        """Return the content of ``--summary``, without learner data and secrets."""
        limit = self.over_line_limit
        return {
            "run": self.run,
            "complete": self.complete,
            "stopped": self.stopped,
            "limit": self.limit,
            "imbalances": self.imbalances,
            "position": self.position._asdict() if self.position else None,
            "seconds": round(self.seconds, 3),
            "dry_run": self.dry_run,
            "total": self.total.as_dict(dry_run=self.dry_run),
            "objects": {name: counters.as_dict(dry_run=self.dry_run) for name, counters in self.objects.items()},
            "failed_objects": self.failed_objects,
            "skipped_objects": {skipped.name: skipped.reason for skipped in self.skipped},
            "skipped_objects_not_listed": self.more_skipped,
            "c_extension": self.c_extension,
            "transform_paths": dict(self.transform_paths.most_common()),
            "unsupported_shapes": dict(self.unsupported_shapes.most_common()),
            "verified": self.verified,
            "differences": [{**position._asdict(), "event": name} for position, name in self.differences],
            "lost_by_loggers": self.lost_by_loggers,
            "routes": {name: asdict(counters) for name, counters in self.routes.items()},
            "refusals": dict(self.refusals.most_common()),
            "statements_by_event": dict(self.statements_by_event.most_common()),
            "rejects_by_reason": dict(self.rejects_by_reason.most_common()),
            "unknown_names": dict(self.unknown_names.most_common()),
            "unmatched_filters": self.unmatched_filters,
            "validation": self.validation.as_dict() if self.validation else None,
            "over_line_limit": {
                "max_line_bytes": limit.max_line_bytes,
                "statements": limit.over,
                "first": [position._asdict() for position in limit.first],
            }
            if limit
            else None,
        }


def _add_counts(counter: Counter[str], more: Mapping[str, int]) -> None:
    # The operator += takes three times as long: it looks for counts that are not positive.
    for name, count in more.items():
        counter[name] += count


def add_names(counter: Counter[str], more: Mapping[str, int]) -> None:
    """Add to a counter of names that come from logs. All names beyond ``SEPARATE_NAMES`` are counted as one."""
    for name, count in more.items():
        kept = name if name in counter or len(counter) < SEPARATE_NAMES else OTHER_NAMES
        counter[kept] += count
