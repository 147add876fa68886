"""Cut objects into numbered units, and put small units together in groups.

The result depends only on the arguments, so it is the same on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError
from log_replay.records import SkippedObject, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from log_replay.records import SourceObject


#: The largest number of units in a group. Each unit has a row in the ledger.
UNITS_PER_GROUP = 1000


def cut_into_units(
    listing: Iterable[SourceObject | SkippedObject], unit_size_bytes: int, is_compressed: Callable[[SourceObject], bool]
) -> Iterator[Unit | SkippedObject]:
    """Yield the units of each object: several for a large object that is not compressed, one for any other.

    Objects are cut by size alone, without reading them. A unit holds the lines that begin in its range. Consecutive
    small units are one group.

    Args:
        listing: the listing of the source.
        unit_size_bytes: the size of a unit, and the largest size of a group of several units. Sizes are those of the
            objects as they are stored, compressed or not.
        is_compressed: returns True for an object that can only be read from its beginning. It is called for large
            objects only.
    """
    number = 0
    groups = _Groups(unit_size_bytes)
    for found in listing:
        if isinstance(found, SkippedObject):
            yield found
            continue
        for start, end in _ranges(found, unit_size_bytes, is_compressed):
            size_bytes = unit_size_bytes if found.size_bytes is None else (end or found.size_bytes) - start
            yield Unit(number, found, start, end, group=groups.add(size_bytes))
            number += 1


def choose_lines(
    listing: Iterable[SourceObject | SkippedObject], wanted: Mapping[str, frozenset[int]], unit_size_bytes: int
) -> Iterator[Unit]:
    """Yield one unit for each object with wanted lines.

    Args:
        listing: the listing of the source.
        wanted: the offsets of the wanted lines, by object.
        unit_size_bytes: the largest size of a group of several units.

    Raises:
        ConfigurationError: the source does not have one of the objects.
    """
    missing = set(wanted)
    number = 0
    groups = _Groups(unit_size_bytes)
    for found in listing:
        if isinstance(found, SkippedObject) or found.name not in missing:
            continue
        missing.remove(found.name)
        lines = wanted[found.name]
        start, end = min(lines), max(lines) + 1
        yield Unit(number, found, start, end, lines, group=groups.add(end - start))
        number += 1
    if missing:
        raise ConfigurationError(
            f"the source has no {', '.join(sorted(missing)[:3])}, which --from_rejects names",
            hint="use the source of the run that wrote the rejects",
        )


def as_line(unit: Unit) -> dict[str, Any]:
    """Return a unit as ``--plan`` prints it."""
    return {
        "unit": unit.number,
        "group": unit.group,
        "object": unit.object.name,
        "size_bytes": unit.object.size_bytes,
        "version": unit.object.version,
        "start": unit.start,
        "end": unit.end,
    }


class _Groups:
    """Numbers the groups of units. A group ends before the unit that would make it too large."""

    def __init__(self, group_bytes: int) -> None:
        self._group_bytes = group_bytes
        self._group = 0
        self._size_bytes = self._units = 0

    def add(self, size_bytes: int) -> int:
        """Return the group of the next unit."""
        if self._units and (self._size_bytes + size_bytes > self._group_bytes or self._units == UNITS_PER_GROUP):
            self._group += 1
            self._size_bytes = self._units = 0
        self._size_bytes += size_bytes
        self._units += 1
        return self._group


def _ranges(
    found: SourceObject, unit_size_bytes: int, is_compressed: Callable[[SourceObject], bool]
) -> Iterator[tuple[int, int | None]]:
    size_bytes = found.size_bytes or 0
    if size_bytes <= unit_size_bytes or is_compressed(found):
        yield 0, None
        return
    for start in range(0, size_bytes, unit_size_bytes):
        end = start + unit_size_bytes
        # The last unit has no end, so it includes lines that are added after the listing.
        yield start, end if end < size_bytes else None
