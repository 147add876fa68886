"""The counters of a run, and every way they are shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

from log_replay.records import Counters, Position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.errors import LogReplayError
    from log_replay.logs import LineLimit
    from log_replay.records import BlockResult, Delivery, SkippedObject, TransformedEvent

OUTCOMES = ("delivered", "duplicate", "unrouted", "failed")
#: Unknown names kept apart; there are a few hundred kinds of events, so more than this is noise.
UNKNOWN_NAMES = 1000
MANY_UNKNOWN_NAMES = "(others)"


@dataclass(slots=True)
class Report:
    """What a run did: added to as it goes, complete whenever it ends.

    Attributes:
        objects: the counters of each object, in the order they were read.
        failed_objects: why an object could not be read to its end.
        stopped: why the run ended before its end.
        failures: what destinations said to batches that they did not take.
        ways: how many events were made natively, and how many through upstream, by the reason why.
        verified: how many were made both ways.
        differences: those where upstream makes something else.
        lost_by_loggers: statements that a logger's listener did not get.
        position: how far the run came.
    """

    objects: dict[str, Counters] = field(default_factory=dict)
    skipped: list[SkippedObject] = field(default_factory=list)
    failed_objects: dict[str, str] = field(default_factory=dict)
    stopped: str | None = None
    failures: Counter[str] = field(default_factory=Counter)
    statements_by_event: Counter[str] = field(default_factory=Counter)
    rejects_by_reason: Counter[str] = field(default_factory=Counter)
    unknown_names: Counter[str] = field(default_factory=Counter)
    over_line_limit: LineLimit | None = None
    ways: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    differences: list[tuple[Position, str]] = field(default_factory=list)
    lost_by_loggers: int = 0
    position: Position | None = None
    seconds: float = 0.0

    @property
    def total(self) -> Counters:
        """The counters of all objects."""
        total = Counters()
        for counters in self.objects.values():
            total += counters
        return total

    @property
    def complete(self) -> bool:
        """Whether every object was read to its end and every statement arrived."""
        failed = any(counters.failed for counters in self.objects.values())
        return not (self.stopped or self.failed_objects or self.lost_by_loggers or self.differences or failed)

    @property
    def rejects(self) -> int:
        """How many lines should have given a statement and did not."""
        return self.rejects_by_reason.total()

    def begin_object(self, name: str) -> None:
        """Note that an object is being read."""
        self.objects.setdefault(name, Counters())
        self.position = Position(name, 0)

    def count_block(self, result: BlockResult) -> None:
        """Add a block's counters; its statements are delivered or failed later."""
        counters = self.objects[result.object]
        counters += result.counters
        self.position = Position(result.object, result.end_offset)
        for event in result.events:
            self.statements_by_event[event.name] += len(event.statements)
        self.rejects_by_reason.update(rejected.reason for rejected in result.rejects)
        self.ways += result.ways
        self.verified += result.verified
        self.differences += result.differences
        for name, count in result.unknown_names.items():
            kept = name if name in self.unknown_names or len(self.unknown_names) < UNKNOWN_NAMES else MANY_UNKNOWN_NAMES
            self.unknown_names[kept] += count

    def count_delivery(self, batch: Sequence[TransformedEvent], delivery: Delivery) -> None:
        """Add what became of a batch's statements, each to its own object."""
        alike = next((name for name in OUTCOMES if getattr(delivery, name)), "delivered")
        outcomes = iter(delivery.outcomes) if delivery.outcomes else repeat(alike)
        for event in batch:
            counters = self.objects[event.position.object]
            for _, outcome in zip(event.statements, outcomes, strict=False):
                setattr(counters, outcome, getattr(counters, outcome) + 1)
        if delivery.failure:
            self.failures[delivery.failure] += 1

    def count_undelivered(self, events: Sequence[TransformedEvent]) -> None:
        """Add statements that were made and will not be delivered, since the run ends."""
        for event in events:
            self.objects[event.position.object].failed += len(event.statements)

    def fail_object(self, name: str, error: LogReplayError) -> None:
        """Note that an object could not be read to its end; what was read of it counts."""
        self.failed_objects[name] = str(error)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for ``--summary``; no learner data, no secrets."""
        limit = self.over_line_limit
        return {
            "complete": self.complete,
            "stopped": self.stopped,
            "position": self.position._asdict() if self.position else None,
            "seconds": round(self.seconds, 3),
            "total": asdict(self.total),
            "objects": {name: asdict(counters) for name, counters in self.objects.items()},
            "failed_objects": self.failed_objects,
            "skipped_objects": {skipped.name: skipped.reason for skipped in self.skipped},
            "ways": dict(self.ways.most_common()),
            "verified": self.verified,
            "differences": [{**position._asdict(), "event": name} for position, name in self.differences],
            "lost_by_loggers": self.lost_by_loggers,
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
