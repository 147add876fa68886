"""Counters of lines and statements, and the sums that hold when a run ends."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from operator import add, attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        return Counters(*map(add, _values(self), _values(other)))

    def __iadd__(self, other: Counters) -> Self:
        for name, value in zip(_NAMES, _values(other), strict=True):
            if value:  # half of the counters of a block are zero
                setattr(self, name, getattr(self, name) + value)
        return self

    def as_dict(self, *, dry_run: bool) -> dict[str, int]:
        """Return the counters by name. A dry run delivers nothing: it has ``would_be_delivered`` instead."""
        values = asdict(self)
        return {"would_be_delivered" if dry_run and name == "delivered" else name: values[name] for name in values}

    @property
    def all_rejected(self) -> bool:
        """Return True if no event gave a statement. Then the database is more likely wrong than earlier outputs."""
        return self.known > 0 and self.rejected == self.known

    @property
    def balanced(self) -> bool:
        """Return True if every line and every statement is accounted for."""
        return not self.imbalances()

    def imbalances(self) -> list[str]:
        """Return the equations of ``SUMS`` that do not hold, with their numbers."""
        found = []
        for (name, parts), values_of in zip(SUMS.items(), _SUM_VALUES, strict=True):
            whole, *values = values_of(self)
            if whole != sum(values):
                terms = " + ".join(f"{part} {value}" for part, value in zip(parts, values, strict=True))
                found.append(f"{name} {whole} is not {terms}")
        return found


# Sums over thousands of small objects are frequent: looking up the fields once makes them five times as fast.
_NAMES = tuple(counter.name for counter in fields(Counters))
_values = attrgetter(*_NAMES)
_SUM_VALUES = [attrgetter(name, *parts) for name, parts in SUMS.items()]


@dataclass(slots=True)
class RouteCounters:
    """The counters of one route: its delivered, duplicate, failed and undelivered statements.

    ``unavailable`` is the reason why the route is unavailable, None if it is available.
    """

    delivered: int = 0
    duplicate: int = 0
    failed: int = 0
    undelivered: int = 0
    unavailable: str | None = None

    def add(self, other: RouteCounters) -> None:
        """Add the counters of a later batch."""
        for name in ("delivered", "duplicate", "failed", "undelivered"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unavailable = other.unavailable


class BrokenRule(NamedTuple):
    """The statements of one event name that break one rule of the specification: their number, and the first place.

    ``first`` is the object and the offset of the first event.
    """

    statements: int
    first: tuple[str, int]


@dataclass(slots=True)
class ValidationCounts:
    """The result of checking statements against the specification. Those of several blocks can be added.

    Attributes:
        checked: the number of statements that were checked.
        invalid: the number of statements that break a rule.
        broken: the broken rules, by rule and event name. A statement can break several.
    """

    checked: int = 0
    invalid: int = 0
    broken: dict[tuple[str, str], BrokenRule] = field(default_factory=dict)

    def add(self, rule: str, event: str, count: int, first: tuple[str, int]) -> None:
        """Count statements that break a rule. ``first`` is later in the logs than those that were counted before."""
        before = self.broken.get((rule, event))
        self.broken[rule, event] = (
            BrokenRule(before.statements + count, before.first) if before else BrokenRule(count, first)
        )

    def __iadd__(self, later: ValidationCounts) -> Self:
        self.checked += later.checked
        self.invalid += later.invalid
        for (rule, event), broken in later.broken.items():
            self.add(rule, event, *broken)
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as JSON values, the most frequent rule first."""
        broken = sorted(self.broken.items(), key=lambda item: (-item[1].statements, item[0]))
        rules = [
            {"rule": rule, "event": event, "statements": count, "object": object_, "offset": offset}
            for (rule, event), (count, (object_, offset)) in broken
        ]
        return {"checked": self.checked, "invalid": self.invalid, "rules": rules}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the counts that ``as_dict`` was called on."""
        counts = cls(values["checked"], values["invalid"])
        for found in values["rules"]:
            counts.add(found["rule"], found["event"], found["statements"], (found["object"], found["offset"]))
        return counts
