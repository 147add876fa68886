"""Estimate figures of a log from a sample of its blocks, with 95 % intervals.

The log is cut into strata, and one block is read from each; some blocks are read in any case. A figure of a stratum is
estimated from its block in proportion to the bytes. The variance comes from the differences between successive strata,
because lines of one block resemble each other, and blocks next to each other do as well. For rare figures it is never
smaller than that of as many independent lines.

The interval is that of Fay and Feuer (1997) for weighted counts. It is based on the gamma distribution: for large
counts it is the usual one, and for rare events it does not collapse. A figure that the sample does not have at all gets
an upper bound as well, by the same formula: 3.7 times the weight of a block (the rule of three, two-sided).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

#: The quantile of the normal distribution for 95 % intervals.
Z = NormalDist().inv_cdf(0.975)
#: A figure is frequent if it has more than this number per block.
FREQUENT = 5
#: If this number of blocks has a figure, their differences tell the variance well enough.
MANY_STRATA = 30


class Estimate(NamedTuple):
    """An estimated figure, and its 95 % interval."""

    value: float
    low: float
    high: float


class Weight(NamedTuple):
    """The part of the log that a sampled block represents.

    Attributes:
        read_bytes: the size of the block.
        represented_bytes: the size of its stratum.
        frame: the strata that it belongs to; None for a block that is read in any case.
        stratum: the number of its stratum in the frame.
        uncertainty: the relative standard deviation of ``represented_bytes / read_bytes``, if it is itself estimated.
    """

    read_bytes: int
    represented_bytes: int
    frame: str | None = None
    stratum: int = 0
    uncertainty: float = 0.0

    @property
    def factor(self) -> float:
        """The number by which the figures of the block are multiplied."""
        return self.represented_bytes / self.read_bytes

    def without(self, cut_off: float) -> Weight:
        """Return the weight if a share of the bytes was read, but not used."""
        return self._replace(read_bytes=max(1, round(self.read_bytes * (1 - cut_off)))) if cut_off else self


@dataclass(slots=True)
class _Sums:
    """The sums of one figure in one frame.

    Attributes:
        count: the number in the blocks.
        strata: the number of strata whose blocks have the figure.
        value: the estimate.
        independent: its variance if the lines were independent of each other.
        differences: the sum of the squared differences between successive strata.
        last: the number and the estimate of the last stratum that has the figure.
    """

    count: int = 0
    strata: int = 0
    value: float = 0.0
    independent: float = 0.0
    differences: float = 0.0
    last: tuple[int, float] = (-1, 0.0)

    def add(self, stratum: int, count: int, factor: float) -> None:
        estimate, (last_stratum, last_estimate) = count * factor, self.last
        self.count += count
        self.strata += 1
        self.value += estimate
        self.independent += factor * (factor - 1) * count
        if stratum == last_stratum + 1:
            self.differences += (estimate - last_estimate) ** 2 if stratum else 0.0
        else:  # the strata in between do not have the figure
            self.differences += estimate**2 + last_estimate**2
        self.last = (stratum, estimate)


@dataclass
class _Frame:
    """The figures of one frame."""

    strata: int = 0
    read_bytes: int = 0
    represented_bytes: int = 0
    largest_factor: float = 1.0
    largest_stratum_bytes: int = 0
    uncertainty: float = 0.0
    sums: defaultdict[Hashable, _Sums] = field(default_factory=lambda: defaultdict(_Sums))

    def variance(self, sums: _Sums) -> float:
        """Return the variance of a figure, widened for a small number of strata as by Student's t."""
        last_stratum, last_estimate = sums.last
        differences = sums.differences + (last_estimate**2 if last_stratum < self.strata - 1 else 0.0)
        unread = 1 - self.read_bytes / self.represented_bytes
        if self.strata < 2:  # noqa: PLR2004 - there is no difference
            return max(sums.value**2 * unread, sums.independent)
        degrees = self.strata - 1
        student = 1 + (Z**2 + 1) / (4 * degrees)
        variance = differences / 2 * self.strata / degrees * student**2 * unread
        if not self.is_frequent(sums):
            variance = max(variance, sums.independent)
        return variance + (self.uncertainty * (sums.value - sums.count)) ** 2

    def is_frequent(self, sums: _Sums) -> bool:
        """Return True if a figure has so many lines in each block that chance hardly leaves any out."""
        return sums.count > FREQUENT * self.strata

    def unseen(self, sums: _Sums, most_per_byte: float) -> float:
        """Return the contribution that one more block with the figure would make to a rare figure.

        Args:
            sums: the sums of the figure.
            most_per_byte: the most that any block has of it.
        """
        if sums.strata >= MANY_STRATA or self.is_frequent(sums):
            return 0.0
        largest = max(most_per_byte * self.largest_stratum_bytes, self.largest_factor)
        return largest * math.sqrt(1 - 1 / self.largest_factor)


class SampleEstimator:
    """Collects the figures of sampled blocks. The blocks of a frame come in the order of their strata."""

    def __init__(self) -> None:
        self._certain: defaultdict[Hashable, int] = defaultdict(int)
        self._seen: defaultdict[Hashable, int] = defaultdict(int)
        self._most_per_byte: defaultdict[Hashable, float] = defaultdict(float)
        self._frames: dict[str, _Frame] = {}

    def add(self, weight: Weight, figures: Mapping[Hashable, int]) -> None:
        """Add the figures of one block."""
        for name, count in figures.items():
            self._seen[name] += count
            self._most_per_byte[name] = max(self._most_per_byte[name], count / weight.read_bytes)
        if weight.frame is None:
            for name, count in figures.items():
                self._certain[name] += count
            return
        frame = self._frames.setdefault(weight.frame, _Frame())
        frame.strata = max(frame.strata, weight.stratum + 1)
        frame.read_bytes += weight.read_bytes
        frame.represented_bytes += weight.represented_bytes
        factor = weight.factor
        frame.largest_factor = max(frame.largest_factor, factor)
        frame.largest_stratum_bytes = max(frame.largest_stratum_bytes, weight.represented_bytes)
        frame.uncertainty = max(frame.uncertainty, weight.uncertainty)
        for name, count in figures.items():
            if count:
                frame.sums[name].add(weight.stratum, count, factor)

    def names(self) -> Iterable[Hashable]:
        """Return the names of all figures that a block has."""
        return self._seen.keys()

    def estimate(self, name: Hashable) -> Estimate:
        """Return the estimate of a figure of the whole log. It may be one that no block has."""
        certain, value, variance, unseen = self._certain.get(name, 0), 0.0, 0.0, 0.0
        for frame in self._frames.values():
            sums = frame.sums.get(name, _Sums())
            value += sums.value
            variance += frame.variance(sums) if sums.value else 0.0
            unseen = max(unseen, frame.unseen(sums, self._most_per_byte.get(name, 0.0)))
        low = _gamma_quantile(-Z, value, variance)
        high = _gamma_quantile(Z, value + unseen, variance + unseen**2)
        seen = self._seen.get(name, 0)
        return Estimate(certain + value, max(seen, certain + low), max(seen, certain + high))


def _gamma_quantile(z: float, mean: float, variance: float) -> float:
    """Return a quantile of the gamma distribution, by the approximation of Wilson and Hilferty.

    Args:
        z: the quantile of the normal distribution with the same probability.
        mean: the mean.
        variance: the variance.
    """
    if mean <= 0 or variance <= 0:
        return mean
    spread = variance / (9 * mean**2)
    return mean * max(0.0, 1 - spread + z * math.sqrt(spread)) ** 3
