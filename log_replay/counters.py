"""Counters of lines and statements, and the sums that hold when a run ends."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import add, attrgetter
from typing import Self

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
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))
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


# Sums over thousands of small objects are frequent: looking up the fields once makes them five times as fast.
_NAMES = tuple(counter.name for counter in fields(Counters))
_values = attrgetter(*_NAMES)


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
