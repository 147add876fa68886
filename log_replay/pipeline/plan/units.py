"""Read the lines of a unit in blocks, from its current offset on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_replay.counters import Counters
from log_replay.errors import SourceError
from log_replay.pipeline.lines import blocks
from log_replay.records import BlockResult, LineBlock, Position, Rejected, lines_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from log_replay.records import SourceObject, Unit
    from log_replay.sources import Source

#: The reason for a reject: an offset in ``--from_rejects`` is not the beginning of a line of the object any more.
NO_SUCH_LINE = "no_such_line"


def read_unit(source: Source, unit: Unit) -> Generator[LineBlock | BlockResult, None, None]:
    """Yield blocks of the lines that begin in a unit, and results for wanted lines that do not exist.

    Lines that were counted but not delivered come first, in separate blocks.

    Raises:
        ReadError: the rest of the object cannot be read.
        DamagedObject: the compressed data is corrupt or ends early.
    """
    if unit.lines is None:
        yield from _all_blocks(source, unit)
        return
    offset = unit.start if unit.offset is None else unit.offset
    wanted = sorted(line for line in unit.lines if line >= offset)
    for block in _all_blocks(source, unit):
        chosen = _chosen(block, unit.lines)
        present = {*(offset for _, offset in lines_of(chosen)), *chosen.oversized}
        absent = [line for line in wanted if offset <= line < block.end_offset and line not in present]
        yield from _absent(block.object, absent)
        yield chosen
        offset = block.end_offset
    yield from _absent(unit.object.name, [line for line in wanted if line >= offset])


def _all_blocks(source: Source, unit: Unit) -> Iterator[LineBlock]:
    name, offset = unit.object.name, unit.offset
    if offset is not None and offset < unit.counted_to:
        yield from blocks(source.read(unit.object, offset, unit.counted_to), object=name, start=offset)
        offset = unit.counted_to
    if offset is None and unit.start:
        # A line begins at the start only if there is a line end before it.
        chunks = _to_line_end(source, unit.object, unit.start - 1, unit.end)
        try:
            offset, chunks = _after_line_end(chunks, unit.start - 1)
        except SourceError as error:
            error.offset = unit.start  # nothing of the unit was read
            raise
    else:
        offset = offset or 0
        chunks = _to_line_end(source, unit.object, offset, unit.end)
    yield from blocks(chunks, object=name, start=offset)


def _to_line_end(source: Source, obj: SourceObject, start: int, end: int | None) -> Iterator[bytes]:
    """Yield the bytes from ``start`` to the end of the line that contains the last byte of the range."""
    return source.read(obj, start) if end is None else _range_to_line_end(source, obj, start, end)


def _range_to_line_end(source: Source, obj: SourceObject, start: int, end: int) -> Iterator[bytes]:
    if start >= end:
        return
    last = b""
    for chunk in source.read(obj, start, end):
        last = chunk[-1:] or last
        yield chunk
    if last == b"\n":
        return
    for chunk in source.read(obj, end):
        line_end = chunk.find(b"\n") + 1
        yield chunk[: line_end or None]
        if line_end:
            return


def _after_line_end(chunks: Iterator[bytes], offset: int) -> tuple[int, Iterator[bytes]]:
    """Skip the bytes up to the first line end. Return the offset after it, and the bytes from there on."""
    for chunk in chunks:
        line_end = chunk.find(b"\n") + 1
        if line_end:
            return offset + line_end, _joined(chunk[line_end:], chunks)
        offset += len(chunk)
    return offset, chunks


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    # An empty chunk would mean that the source has no more data yet.
    if first:
        yield first
    yield from rest


def _chosen(block: LineBlock, wanted: frozenset[int]) -> LineBlock:
    return replace(block, oversized=[at for at in block.oversized if at in wanted], wanted=wanted)


def _absent(name: str, lines: list[int]) -> Iterator[BlockResult]:
    if lines:
        rejects = [Rejected(Position(name, line), NO_SUCH_LINE, unparsable=True) for line in lines]
        yield BlockResult(name, lines[-1] + 1, Counters(lines=len(lines), unparsable=len(lines)), rejects=rejects)
