"""Choose the blocks of a log to look at, spread evenly over all objects.

The beginning and the end of each plain object are read in any case. What is between them is cut into strata of equal
size; from each stratum one block is chosen at random. A compressed object can only be read from its beginning. If there
are more objects than the sample has blocks, not every object is read, but each byte has the same chance.

The choice depends only on the listing and on the seed.
"""

from __future__ import annotations

import random
from bisect import bisect
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from log_replay.inspect.sampling.estimates import Weight
from log_replay.records import SourceObject, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: A log above this size is sampled by default, and the default size of the sample.
SAMPLED_ABOVE_BYTES, DEFAULT_SAMPLE_BYTES = 2 * 10**9, 512 << 20
#: A sample has about this number of blocks, of this size.
BLOCKS = 1000
SMALLEST_BLOCK_BYTES, LARGEST_BLOCK_BYTES = 16 << 10, 1 << 20
#: The smallest beginning and end of an object that is read: a few lines, for the times of the first and the last event.
SMALLEST_EDGE_BYTES = 4 << 10
#: How much larger a compressed log is when it is decompressed, as a guess for the size of the sample.
COMPRESSION = 10
#: The smallest beginning of a compressed object that is read. A block of bzip2 can be larger than 64 KiB.
SMALLEST_BEGINNING_BYTES = 128 << 10
#: The beginning of an object compresses about 1 % worse than the rest, because nothing precedes it that it repeats.
BEGINNING_UNCERTAINTY = 0.01
#: The share of the sample for the blocks that are read in any case.
CERTAIN_SHARE = 0.5
PLAIN, COMPRESSED = "plain", "compressed"


class SampledBlock(NamedTuple):
    """One block of a sample: the unit of its lines, and the part of the log that it represents.

    ``stored_bytes`` is the size of the beginning to read of a compressed object, None for a plain object.
    """

    unit: Unit
    weight: Weight
    stored_bytes: int | None = None


@dataclass(frozen=True)
class SamplePlan:
    """The blocks to read, in the order of the objects.

    Attributes:
        objects: the number of all objects.
        stored_bytes: their stored bytes.
        compressed_objects: the number of the compressed ones among them.
        compressed_bytes: the stored bytes of the compressed ones.
        blocks: the blocks to read.
    """

    objects: int
    stored_bytes: int
    compressed_objects: int
    compressed_bytes: int
    blocks: Sequence[SampledBlock]


def plan_sample(
    objects: Iterable[SourceObject], sample_bytes: int, is_compressed: Callable[[SourceObject], bool], seed: int = 0
) -> SamplePlan:
    """Choose the blocks of a sample.

    Args:
        objects: all objects, with their sizes.
        sample_bytes: the approximate number of decompressed bytes to read.
        is_compressed: tells whether an object can only be read from its beginning.
        seed: the seed of the random choice.
    """
    listed = list(objects)
    plain: list[SourceObject] = []
    compressed: list[SourceObject] = []
    for found in listed:
        (compressed if is_compressed(found) else plain).append(found)
    plain_bytes, compressed_bytes = _size(plain), _size(compressed)
    share = compressed_bytes * COMPRESSION / max(plain_bytes + compressed_bytes * COMPRESSION, 1)
    order = random.Random(seed)  # noqa: S311 - a sample, no secret
    blocks = [
        *_plain_blocks(plain, round(sample_bytes * (1 - share)), order),
        *_beginnings(compressed, round(sample_bytes * share / COMPRESSION), order),
    ]
    chosen = {block.unit.object.name for block in blocks}
    places = {found.name: place for place, found in enumerate(listed) if found.name in chosen}
    blocks.sort(key=lambda block: (places[block.unit.object.name], block.unit.start))
    numbered = [block._replace(unit=replace(block.unit, number=number)) for number, block in enumerate(blocks)]
    return SamplePlan(len(listed), plain_bytes + compressed_bytes, len(compressed), compressed_bytes, numbered)


def _size(objects: Iterable[SourceObject]) -> int:
    return sum(found.size_bytes or 0 for found in objects)


def _plain_blocks(objects: list[SourceObject], sample_bytes: int, order: random.Random) -> Iterator[SampledBlock]:
    """Yield the blocks of plain objects."""
    block_bytes = min(max(sample_bytes // BLOCKS, SMALLEST_BLOCK_BYTES), LARGEST_BLOCK_BYTES)
    edge_bytes = min(block_bytes, round(sample_bytes * CERTAIN_SHARE) // max(2 * len(objects), 1))
    if edge_bytes < SMALLEST_EDGE_BYTES or len(objects) > BLOCKS:
        edge_bytes = 0
    if edge_bytes:
        yield from _edges(objects, edge_bytes)
        sample_bytes -= sum(min(found.size_bytes or 0, 2 * edge_bytes) for found in objects)
    inner = [_Cells(found, edge_bytes, block_bytes) for found in objects]
    ends = list(accumulate(cells.count for cells in inner))
    count = ends[-1] if ends else 0
    strata = min(count, max(2, sample_bytes // block_bytes))
    for stratum in range(strata):
        first, end = stratum * count // strata, (stratum + 1) * count // strata
        represented = _bytes_of(inner, ends, first, end)
        chosen = order.randrange(first, end)
        at = bisect(ends, chosen)
        unit = inner[at].unit(chosen - (ends[at] - inner[at].count))
        read = (unit.end or 0) - unit.start
        yield SampledBlock(unit, Weight(read, represented, PLAIN, stratum))


def _edges(objects: Iterable[SourceObject], edge_bytes: int) -> Iterator[SampledBlock]:
    """Yield the first and the last block of each object, or the whole object if it has no other."""
    for found in objects:
        size = found.size_bytes or 0
        ranges = [(0, size)] if size <= 2 * edge_bytes else [(0, edge_bytes), (size - edge_bytes, size)]
        for start, end in ranges:
            if end > start:
                yield SampledBlock(Unit(0, found, start, end), Weight(end - start, end - start))


class _Cells:
    """The blocks of one object between its first and its last one: of equal size, but for one byte."""

    __slots__ = ("_begin", "_object", "_size", "count")

    def __init__(self, found: SourceObject, edge_bytes: int, block_bytes: int) -> None:
        self._object, self._begin = found, edge_bytes
        self._size = max(0, (found.size_bytes or 0) - 2 * edge_bytes)
        self.count = -(-self._size // block_bytes)

    def offset(self, number: int) -> int:
        """Return the offset of a block."""
        return self._begin + (number * self._size // self.count if self.count else 0)

    def unit(self, number: int) -> Unit:
        """Return the unit of a block."""
        return Unit(0, self._object, self.offset(number), self.offset(number + 1))


def _bytes_of(inner: list[_Cells], ends: list[int], first: int, end: int) -> int:
    """Return the size of the blocks from ``first`` to ``end``. They may belong to several objects."""
    total = 0
    at = bisect(ends, first)
    while first < end:
        begin = ends[at] - inner[at].count
        until = min(end, ends[at])
        total += inner[at].offset(until - begin) - inner[at].offset(first - begin)
        first, at = until, at + 1
    return total


def _beginnings(objects: list[SourceObject], stored_bytes: int, order: random.Random) -> Iterator[SampledBlock]:
    """Yield the beginnings of compressed objects: of each object, or of one from each of several groups."""
    if not objects:
        return
    groups = min(len(objects), max(2, stored_bytes // SMALLEST_BEGINNING_BYTES))
    beginning_bytes = max(SMALLEST_BEGINNING_BYTES, stored_bytes // groups)
    for stratum, group in enumerate(_grouped(objects, groups)):
        sizes = [found.size_bytes or 0 for found in group]
        (chosen,) = order.choices(group, sizes)
        read = min(beginning_bytes, chosen.size_bytes or 0)
        weight = Weight(read, sum(sizes), COMPRESSED, stratum, BEGINNING_UNCERTAINTY)
        yield SampledBlock(Unit(0, chosen), weight, read)


def _grouped(objects: list[SourceObject], groups: int) -> Iterator[list[SourceObject]]:
    """Yield successive groups of objects, of about the same size in bytes."""
    total = _size(objects)
    group: list[SourceObject] = []
    done, number = 0, 1
    for found in objects:
        group.append(found)
        done += found.size_bytes or 0
        if done * groups >= number * total or len(objects) == groups:
            yield group
            group = []
            number = max(number + 1, done * groups // max(total, 1) + 1)
    if group:
        yield group
