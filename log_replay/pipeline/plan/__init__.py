"""Objects -> units of work, numbered the same on every machine. Pure: what it must know of an object, it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError
from log_replay.records import SkippedObject, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from log_replay.records import SourceObject


def cut_into_units(
    listing: Iterable[SourceObject | SkippedObject], unit_size_bytes: int, is_compressed: Callable[[SourceObject], bool]
) -> Iterator[Unit | SkippedObject]:
    """Yield the units of each object in its place: one, or several of a large object that is not compressed.

    A unit's range is cut by size alone. Whoever reads it takes the lines that begin in it, so that nobody need look
    for line ends to make the plan.

    Args:
        listing: the source's.
        unit_size_bytes: the size of a unit that is one of several.
        is_compressed: tells whether an object can only be read from its beginning on; asked of large objects only.
    """
    number = 0
    for found in listing:
        if isinstance(found, SkippedObject):
            yield found
            continue
        for start, end in _ranges(found, unit_size_bytes, is_compressed):
            yield Unit(number, found, start, end)
            number += 1


def choose_lines(
    listing: Iterable[SourceObject | SkippedObject], wanted: Mapping[str, frozenset[int]]
) -> Iterator[Unit]:
    """Yield one unit for each object that has lines that are wanted, whatever its size.

    Args:
        listing: the source's.
        wanted: the offsets of the lines, by object.

    Raises:
        ConfigurationError: the source has not got one of these objects.
    """
    missing = set(wanted)
    number = 0
    for found in listing:
        if isinstance(found, SkippedObject) or found.name not in missing:
            continue
        missing.remove(found.name)
        lines = wanted[found.name]
        yield Unit(number, found, min(lines), max(lines) + 1, lines)
        number += 1
    if missing:
        raise ConfigurationError(
            f"the source has no {', '.join(sorted(missing)[:3])}, which --from_rejects names",
            hint="give the source that the rejects were written for",
        )


def as_line(unit: Unit) -> dict[str, Any]:
    """Return a unit as ``--plan`` prints it."""
    return {
        "unit": unit.number,
        "object": unit.object.name,
        "size_bytes": unit.object.size_bytes,
        "version": unit.object.version,
        "start": unit.start,
        "end": unit.end,
    }


def _ranges(
    found: SourceObject, unit_size_bytes: int, is_compressed: Callable[[SourceObject], bool]
) -> Iterator[tuple[int, int | None]]:
    size_bytes = found.size_bytes or 0
    if size_bytes <= unit_size_bytes or is_compressed(found):
        yield 0, None
        return
    for start in range(0, size_bytes, unit_size_bytes):
        end = start + unit_size_bytes
        # The last one is open: a log that grew since it was listed has no line that nobody takes.
        yield start, end if end < size_bytes else None
