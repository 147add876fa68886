"""The counters of a run, and every way they are shown."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from log_replay.records import Counters, Position, RouteCounters, statement_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from log_replay.errors import LogReplayError
    from log_replay.records import BacklogEntry, BlockResult, Delivery, SkippedObject, TransformedEvent, Unit
    from log_replay.statement_log import LineLimit

OUTCOMES = ("delivered", "duplicate", "unrouted", "failed")
#: Unknown names kept apart; there are a few hundred kinds of events, so more than this is noise.
UNKNOWN_NAMES = 1000
MANY_UNKNOWN_NAMES = "(others)"


@dataclass(slots=True)
class Parts:
    """The counters of one object, unit by unit, and where each unit begins."""

    starts: list[int] = field(default_factory=list)
    counters: list[Counters] = field(default_factory=list)

    def add(self, start: int, counters: Counters) -> None:
        """Add a unit; units come in order, but for those that are taken up again."""
        place = bisect_right(self.starts, start)
        self.starts.insert(place, start)
        self.counters.insert(place, counters)

    def at(self, offset: int) -> Counters:
        """Return the counters of the unit that a line belongs to."""
        return self.counters[bisect_right(self.starts, offset) - 1]


@dataclass(slots=True)
class Report:
    """What a run did: added to as it goes, complete whenever it ends.

    Attributes:
        run: its name in the ledger, if it is kept there.
        units: the counters of each unit, by its number.
        failed_objects: why an object could not be read to its end.
        stopped: why the run ended before its end.
        failures: what destinations said to batches that they did not take.
        transform_paths: how many events were made natively, and how many through upstream, by the reason why.
        verified: how many were made both ways.
        differences: those where upstream makes something else.
        lost_by_loggers: statements that a logger's listener did not get.
        routes: how each route of the destination fared, by its name.
        position: how far the run came.
        compiled: whether there was a C compiler at the installation.
    """

    run: str | None = None
    units: dict[int, Counters] = field(default_factory=dict)
    skipped: list[SkippedObject] = field(default_factory=list)
    failed_objects: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    failures: Counter[str] = field(default_factory=Counter)
    statements_by_event: Counter[str] = field(default_factory=Counter)
    rejects_by_reason: Counter[str] = field(default_factory=Counter)
    unknown_names: Counter[str] = field(default_factory=Counter)
    over_line_limit: LineLimit | None = None
    transform_paths: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    differences: list[tuple[Position, str]] = field(default_factory=list)
    lost_by_loggers: int = 0
    routes: dict[str, RouteCounters] = field(default_factory=dict)
    position: Position | None = None
    compiled: bool = True
    seconds: float = 0.0
    _parts: dict[str, Parts] = field(default_factory=dict)
    _current: Counters = field(default_factory=Counters)

    @property
    def objects(self) -> dict[str, Counters]:
        """The counters of each object, in the order they were read."""
        return {name: sum(parts.counters, Counters()) for name, parts in self._parts.items()}

    @property
    def total(self) -> Counters:
        """The counters of all objects."""
        return sum(self.units.values(), Counters())

    @property
    def complete(self) -> bool:
        """True if every object was read to its end, every statement arrived and the counters are balanced."""
        failed = any(counters.failed for counters in self.units.values())
        problems = self.stopped or self.failed_objects or self.lost_by_loggers or self.differences or self.imbalances
        return not (problems or failed)

    @property
    def imbalances(self) -> dict[str, list[str]]:
        """The equations that the counters of an object do not fulfil, by object: each is a defect of Log Replay."""
        found = {name: counters.imbalances() for name, counters in self.objects.items()}
        return {name: equations for name, equations in found.items() if equations}

    @property
    def routes_with_backlog(self) -> frozenset[str]:
        """The routes that have missed something."""
        return frozenset(name for name, counters in self.routes.items() if counters.undelivered)

    @property
    def backlog_messages(self) -> list[str]:
        """Say in words what routes have missed, and why."""
        return [
            f"{name} misses {fared.undelivered:,} statements" + (f" ({fared.lost})" if fared.lost else "")
            for name, fared in self.routes.items()
            if fared.undelivered
        ]

    @property
    def rejects(self) -> int:
        """How many lines should have given a statement and did not."""
        return self.rejects_by_reason.total()

    def begin(self, unit: Unit) -> None:
        """Note that a unit is being read."""
        if unit.number not in self.units:
            self.restore(unit, Counters())
        self._current = self.units[unit.number]
        self.position = Position(unit.object.name, unit.offset or unit.start)

    def restore(self, unit: Unit, counters: Counters) -> None:
        """Put back what was counted in a unit when the run was interrupted, but for what was not delivered."""
        counters.statements = counters.delivered + counters.duplicate + counters.unrouted + counters.failed
        self.units[unit.number] = counters
        self._parts.setdefault(unit.object.name, Parts()).add(unit.start, counters)

    def count_again(self, result: BlockResult) -> None:
        """Add the statements of a block that was counted, but not delivered, before the run was interrupted."""
        self._current.statements += result.counters.statements
        self.position = Position(result.object, result.end_offset)

    def count_block(self, result: BlockResult) -> None:
        """Add a block's counters; its statements are delivered or failed later."""
        self._current += result.counters
        self.position = Position(result.object, result.end_offset)
        self.statements_by_event += result.statements_by_event
        self.rejects_by_reason.update(rejected.reason for rejected in result.rejects)
        self.transform_paths += result.transform_paths
        self.verified += result.verified
        self.differences += result.differences
        for name, count in result.unknown_names.items():
            kept = name if name in self.unknown_names or len(self.unknown_names) < UNKNOWN_NAMES else MANY_UNKNOWN_NAMES
            self.unknown_names[kept] += count

    def count_delivery(self, batch: Sequence[TransformedEvent], delivery: Delivery) -> None:
        """Add what became of a batch's statements, each to its own unit."""
        if delivery.outcomes:
            outcomes = iter(delivery.outcomes)
            for counters, statements in self._by_unit(batch):
                for outcome, count in Counter(islice(outcomes, statements)).items():
                    setattr(counters, outcome, getattr(counters, outcome) + count)
        else:
            alike = next((name for name in OUTCOMES if getattr(delivery, name)), "delivered")
            for counters, statements in self._by_unit(batch):
                setattr(counters, alike, getattr(counters, alike) + statements)
        self.failures.update(delivery.failures)
        for name, fared in delivery.routes.items():
            self.routes.setdefault(name, RouteCounters()).add(fared)

    def count_redelivery(self, miss: BacklogEntry, batch: Sequence[TransformedEvent], delivery: Delivery) -> None:
        """Put what a batch has come to now in the place of what it was counted as when routes missed it."""
        for line_range in miss.line_ranges:
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
        """Add statements that were made and will not be delivered, since the run ends."""
        for counters, statements in self._by_unit(events):
            counters.failed += statements

    def _by_unit(self, events: Sequence[TransformedEvent]) -> Iterator[tuple[Counters, int]]:
        """Yield the counters of each unit that these events are of, unit after unit, and how many statements it has."""
        start = 0
        while start < len(events):
            counters = self._counters_of(events[start])
            end = bisect_left(events, True, start, key=lambda event: self._counters_of(event) is not counters)  # noqa: FBT003 - bisect has no keyword for it
            yield counters, statement_count(events[start:end])
            start = end

    def _counters_of(self, event: TransformedEvent) -> Counters:
        """Return the counters of the unit that an event belongs to."""
        name, offset = event.position
        return self._parts[name].at(offset)

    def fail_object(self, name: str, error: LogReplayError) -> None:
        """Note that an object could not be read to its end; what was read of it counts."""
        self.failed_objects[name] = str(error)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for ``--summary``; no learner data, no secrets."""
        limit = self.over_line_limit
        return {
            "run": self.run,
            "complete": self.complete,
            "stopped": self.stopped,
            "imbalances": self.imbalances,
            "position": self.position._asdict() if self.position else None,
            "seconds": round(self.seconds, 3),
            "total": asdict(self.total),
            "objects": {name: asdict(counters) for name, counters in self.objects.items()},
            "failed_objects": self.failed_objects,
            "skipped_objects": {skipped.name: skipped.reason for skipped in self.skipped},
            "compiled": self.compiled,
            "transform_paths": dict(self.transform_paths.most_common()),
            "verified": self.verified,
            "differences": [{**position._asdict(), "event": name} for position, name in self.differences],
            "lost_by_loggers": self.lost_by_loggers,
            "routes": {name: asdict(counters) for name, counters in self.routes.items()},
            "delivery_failures": dict(self.failures.most_common()),
            "statements_by_event": dict(self.statements_by_event.most_common()),
            "rejects_by_reason": dict(self.rejects_by_reason.most_common()),
            "unknown_names": dict(self.unknown_names.most_common()),
            "over_line_limit": {
                "max_line_bytes": limit.max_line_bytes,
                "statements": limit.over,
                "first": [position._asdict() for position in limit.first],
            }
            if limit
            else None,
        }
