"""Numbers by hour or day, and the hours and days without any."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DAY_HOURS = 24
#: Hours are kept up to this number, more than a year of them; beyond it, days.
MOST_HOURS = 10_000


@dataclass(slots=True)
class HourCounts:
    """Numbers by hour since 1970. A log of many years is counted by day instead, each by its first hour.

    Attributes:
        step: 1 for hours, 24 for days.
    """

    step: int = 1
    _counts: Counter[int] = field(default_factory=Counter)

    def add(self, counts: Mapping[int, int]) -> None:
        """Add numbers by hour."""
        for hour, number in counts.items():
            self._counts[hour - hour % self.step] += number
        if self.step == 1 and len(self._counts) > MOST_HOURS:
            self._coarsen()

    def merge(self, other: HourCounts) -> None:
        """Add the numbers of another part of the log."""
        if other.step > self.step:
            self._coarsen()
        self.add(other._counts)

    def by(self, step: int) -> dict[int, int]:
        """Return the numbers by steps of this number of hours, in the order of time."""
        counts: Counter[int] = Counter()
        for hour, number in self._counts.items():
            counts[hour - hour % step] += number
        return dict(sorted(counts.items()))

    def _coarsen(self) -> None:
        self._counts = Counter(self.by(DAY_HOURS))
        self.step = DAY_HOURS


class Hole(NamedTuple):
    """Hours without a line between others that have some: from ``begin`` up to ``end``, in hours since 1970."""

    begin: int
    end: int


def holes(counts: HourCounts) -> tuple[int, list[Hole]]:
    """Return the holes between the first and the last hour, and the step with which they were looked for, in hours.

    Hours are looked at if at most one hour in ten is empty, or if the log spans less than two days. Otherwise, nobody
    works on the site in some hours of most days, and a hole is a whole day (UTC).
    """
    step = counts.step
    if step == 1:
        hours = counts.by(1)
        span = max(hours) - min(hours) + 1 if hours else 0
        if span > 2 * DAY_HOURS and span - len(hours) > span / 10:
            step = DAY_HOURS
    return step, list(_holes(counts.by(step), step))


def _holes(counts: Mapping[int, int], step: int) -> Iterator[Hole]:
    previous = None
    for hour in counts:
        if previous is not None and hour > previous + step:
            yield Hole(previous + step, hour)
        previous = hour
