"""Count in bounded memory: distinct values, and numbers by name.

The results depend only on what is counted, not on its order or on how it was split.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Up to this number of distinct values, the count is exact. They take about 9 MB.
EXACT_VALUES = 100_000
#: Beyond it, a sketch keeps 2**LG_K hashes, half a megabyte: 95 of 100 counts are within 0.8 %.
LG_K = 16
#: The number of names that are counted one by one.
NAMES = 20_000
OTHER_NAMES = "(others)"
#: The part of a longer name that is kept. The longest course id that an LMS stores has 255 characters.
LONGEST_NAME = 300


class Distinct:
    """Counts distinct integers of up to 63 bits: up to ``EXACT_VALUES`` exactly, beyond them with a sketch."""

    def __init__(self) -> None:
        self._values: set[int] = set()
        #: The sketch of the values that were added, and the union of those that were merged.
        self._sketches: tuple[Any, Any] | None = None

    @property
    def is_exact(self) -> bool:
        """True if the count is exact."""
        return self._sketches is None

    def add(self, values: Iterable[int]) -> None:
        """Add values; each may have been added before."""
        self._values.update(values)
        if (self._sketches and self._values) or len(self._values) > EXACT_VALUES:
            self._move_to_sketch()

    def merge(self, other: Distinct) -> None:
        """Add the values of another count."""
        self.add(other._values)
        if other._sketches:
            _, union = self._move_to_sketch()
            union.update(other._combined())

    def count(self) -> int:
        """Return the number of distinct values."""
        return round(self._combined().get_estimate()) if self._sketches else len(self._values)

    def interval(self) -> tuple[int, int]:
        """Return the 95 % interval of the count."""
        if self._sketches is None:
            return len(self._values), len(self._values)
        combined = self._combined()
        return round(combined.get_lower_bound(2)), round(combined.get_upper_bound(2))

    def _move_to_sketch(self) -> tuple[Any, Any]:
        if self._sketches is None:
            from datasketches import theta_union, update_theta_sketch  # noqa: PLC0415 - few logs need it

            self._sketches = update_theta_sketch(LG_K), theta_union(LG_K)
        for value in self._values:
            self._sketches[0].update(value)
        self._values.clear()
        return self._sketches

    def _combined(self) -> Any:
        from datasketches import theta_union  # noqa: PLC0415 - as above

        both = theta_union(LG_K)
        if self._sketches:
            sketch, union = self._sketches
            both.update(sketch)
            both.update(union.get_result())
        return both.get_result()


class NamedCounts:
    """Numbers by name. Of more than ``NAMES`` names, those with the smallest digests are kept.

    All others are added up under ``OTHER_NAMES``. Longer names than ``LONGEST_NAME`` are cut and get their
    digest.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}  # twice as fast as a Counter
        self._others = 0

    def add(self, counts: Mapping[str, int]) -> None:
        """Add numbers by name."""
        found = self._counts
        for name, number in counts.items():
            if name in found:
                found[name] += number
            else:
                self._add_new(name, number)

    def add_one(self, name: str, number: int) -> None:
        """Add a number to one name."""
        if name in self._counts:
            self._counts[name] += number
        else:
            self._add_new(name, number)

    def _add_new(self, name: str, number: int) -> None:
        kept = _cut(name)
        self._counts[kept] = self._counts.get(kept, 0) + number
        if len(self._counts) > 2 * NAMES:
            self._drop()

    def merge(self, other: NamedCounts) -> None:
        """Add the numbers of another part of the log."""
        self._others += other._others
        self.add(other._counts)

    def counts(self) -> dict[str, int]:
        """Return the numbers by name, the largest first."""
        if len(self._counts) > NAMES:
            self._drop()
        found = dict(sorted(self._counts.items(), key=lambda item: (-item[1], item[0])))
        return found | {OTHER_NAMES: self._others} if self._others else found

    def _drop(self) -> None:
        for name in sorted(self._counts, key=_digest)[NAMES:]:
            self._others += self._counts.pop(name)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}... {_digest(name).hex()}"


def _digest(name: str) -> bytes:
    return blake2b(name.encode(errors="backslashreplace"), digest_size=8).digest()
