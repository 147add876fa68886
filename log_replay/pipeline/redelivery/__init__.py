"""What routes missed while they were lost, read again: misses -> blocks, and what is made of these -> batches."""

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
    """UnitRanges of one unit, in order, and the misses that they are of: the mark before their blocks."""

    misses: Sequence[int]
    line_ranges: Sequence[LineRange]

    def miss_at(self, offset: int) -> int:
        """Return the miss that a line belongs to."""
        return self.misses[self._place(offset)]

    def covers(self, offset: int) -> bool:
        """Whether a line lies in one of them."""
        place = self._place(offset)
        return place < len(self.line_ranges) and self.line_ranges[place].first <= offset

    def _place(self, offset: int) -> int:
        """Return which line_range is the first that does not end before a line."""
        return bisect_left(self.line_ranges, offset, key=_last)


def _last(line_range: LineRange) -> int:
    return line_range.last


def read_backlog(
    source: Source, misses: Iterable[BacklogEntry], unit: Callable[[int], Unit]
) -> Iterator[LineBlock | Mark]:
    """Yield the blocks of the lines that misses are made of, a mark before those of each unit.

    An error follows the blocks of a unit that cannot be read that far.

    Args:
        source: where from.
        misses: in order.
        unit: returns the unit of a number.
    """
    line_ranges = ((miss.number, line_range) for miss in misses for line_range in miss.line_ranges)
    for number, group in groupby(line_ranges, key=lambda numbered: numbered[1].unit):
        entries = list(group)
        wanted = UnitRanges([miss for miss, _ in entries], [line_range for _, line_range in entries])
        yield wanted
        try:
            yield from _read_unit(source, unit(number), wanted)
        except (ReadError, DamagedObject) as error:
            yield error


def backlog_batches(
    results: Iterable[BlockResult | Mark], misses: Iterable[BacklogEntry]
) -> Iterator[tuple[BacklogEntry, list[TransformedEvent]]]:
    """Yield each miss with its events; but for those that could not be read whole, which stay what they are.

    Args:
        results: what was made of that which ``read_backlog`` gave.
        misses: the same ones.
    """
    waiting = deque(misses)
    batch: list[TransformedEvent] = []
    broken: set[int] = set()
    current = UnitRanges((), ())
    for result in results:
        match result:
            case UnitRanges():
                current = result
            case BlockResult():
                for event in result.events:
                    number = current.miss_at(event.position.offset)
                    while waiting[0].number != number:
                        yield from _unless_broken(waiting.popleft(), batch, broken)
                        batch = []
                    batch.append(event)
            case ReadError() | DamagedObject():
                log.warning("what a route missed cannot be read again", reason=str(result))
                broken.update(current.misses)
    while waiting:
        yield from _unless_broken(waiting.popleft(), batch, broken)
        batch = []


def _read_unit(source: Source, unit: Unit, wanted: UnitRanges) -> Iterator[LineBlock]:
    first, last = wanted.line_ranges[0].first, wanted.line_ranges[-1].last
    # To the unit's own end, and no further than needed: what is compressed had to be read twice for any other.
    with closing(read_unit(source, replace(unit, offset=first, counted_to=0))) as blocks:
        for block in blocks:
            if isinstance(block, LineBlock):  # what else there is are lines that are not there
                yield _chosen(block, wanted)
                if block.end_offset > last:
                    return


def _chosen(block: LineBlock, wanted: UnitRanges) -> LineBlock:
    return replace(
        block, oversized=[], wanted=frozenset(offset for _, offset in lines_of(block) if wanted.covers(offset))
    )


def _unless_broken(
    miss: BacklogEntry, batch: list[TransformedEvent], broken: set[int]
) -> Iterator[tuple[BacklogEntry, list[TransformedEvent]]]:
    if miss.number not in broken:
        yield miss, batch
