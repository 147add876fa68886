"""Read the lines of the backlog again, and put their statements back into batches."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import structlog

from log_replay.errors import DamagedObject, ReadError
from log_replay.pipeline.plan.units import read_unit
from log_replay.records import BlockResult, LineBlock, LineRange, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from log_replay.pipeline.workers import Mark
    from log_replay.records import BacklogEntry, TransformedEvent, Unit
    from log_replay.sources import Source

log = structlog.get_logger(__name__)


class UnitRanges(NamedTuple):
    """The line ranges of one unit in order, and the number of each one's entry; the mark before the unit's blocks."""

    entry_numbers: Sequence[int]
    line_ranges: Sequence[LineRange]

    def entry_at(self, offset: int) -> int:
        """Return the number of the entry that a line belongs to."""
        return self.entry_numbers[self._index(offset)]

    def covers(self, offset: int) -> bool:
        """Return True if a line is in one of the ranges."""
        index = self._index(offset)
        return index < len(self.line_ranges) and self.line_ranges[index].first <= offset

    def _index(self, offset: int) -> int:
        """Return the index of the first range that does not end before a line."""
        return bisect_left(self.line_ranges, offset, key=_last)


def _last(line_range: LineRange) -> int:
    return line_range.last


def read_backlog(
    source: Source, entries: Iterable[BacklogEntry], unit: Callable[[int], Unit]
) -> Iterator[LineBlock | Mark]:
    """Yield the blocks with the lines of backlog entries, with a mark before the blocks of each unit.

    If a unit cannot be read to the last line needed, its blocks are followed by the error.

    Args:
        source: the source of the run.
        entries: the entries in order.
        unit: returns the unit with a number.
    """
    numbered = ((entry.number, line_range) for entry in entries for line_range in entry.line_ranges)
    for unit_number, group in groupby(numbered, key=lambda pair: pair[1].unit):
        entry_numbers, line_ranges = zip(*group, strict=True)
        unit_ranges = UnitRanges(entry_numbers, line_ranges)
        yield unit_ranges
        try:
            yield from _read_ranges(source, unit(unit_number), unit_ranges)
        except (ReadError, DamagedObject) as error:
            yield error


def backlog_batches(
    results: Iterable[BlockResult | Mark], entries: Iterable[BacklogEntry]
) -> Iterator[tuple[BacklogEntry, list[TransformedEvent]]]:
    """Yield each entry with its events. Entries that cannot be read completely are left out and stay in the ledger.

    Args:
        results: the results of the blocks of ``read_backlog``, with its marks and errors.
        entries: the same entries.
    """
    waiting = deque(entries)
    batch: list[TransformedEvent] = []
    unreadable: set[int] = set()
    current = UnitRanges((), ())
    for result in results:
        match result:
            case UnitRanges():
                current = result
            case BlockResult():
                for event in result.events:
                    number = current.entry_at(event.position.offset)
                    while waiting[0].number != number:
                        yield from _readable(waiting.popleft(), batch, unreadable)
                        batch = []
                    batch.append(event)
            case ReadError() | DamagedObject():
                log.warning("lines of the backlog cannot be read", reason=str(result))
                unreadable.update(current.entry_numbers)
    while waiting:
        yield from _readable(waiting.popleft(), batch, unreadable)
        batch = []


def _read_ranges(source: Source, unit: Unit, unit_ranges: UnitRanges) -> Iterator[LineBlock]:
    first, last = unit_ranges.line_ranges[0].first, unit_ranges.line_ranges[-1].last
    # The end of the unit stays the same: with another end, a compressed object would be read twice.
    with closing(read_unit(source, replace(unit, offset=first, counted_to=0))) as blocks:
        for block in blocks:
            if isinstance(block, LineBlock):  # read_unit also yields results, for lines that do not exist
                yield _selected(block, unit_ranges)
                if block.end_offset > last:
                    return


def _selected(block: LineBlock, unit_ranges: UnitRanges) -> LineBlock:
    offsets = frozenset(offset for _, offset in lines_of(block) if unit_ranges.covers(offset))
    return replace(block, oversized=[], wanted=offsets)


def _readable(
    entry: BacklogEntry, batch: list[TransformedEvent], unreadable: set[int]
) -> Iterator[tuple[BacklogEntry, list[TransformedEvent]]]:
    if entry.number not in unreadable:
        yield entry, batch
