"""Unit -> blocks of its lines, from where it stands on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_replay.errors import SourceError
from log_replay.pipeline.lines import blocks
from log_replay.records import BlockResult, Counters, LineBlock, Position, Rejected, lines_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from log_replay.records import SourceObject, Unit
    from log_replay.sources import Source

#: Why a line of ``--from_rejects`` gave nothing: the object has changed since.
NO_SUCH_LINE = "no_such_line"


def read_unit(source: Source, unit: Unit) -> Generator[LineBlock | BlockResult, None, None]:
    """Yield the blocks of the lines that begin in a unit.

    What was counted but not delivered comes first, in blocks of its own. Of lines that are wanted but not there, the
    result is all there is.

    Raises:
        ReadError: the object cannot be read any further.
        DamagedObject: its compressed data ends early or is corrupt.
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
        # A line begins at the start if a line end precedes it.
        chunks = _to_line_end(source, unit.object, unit.start - 1, unit.end)
        try:
            offset, chunks = _behind_line_end(chunks, unit.start - 1)
        except SourceError as error:
            error.offset = unit.start  # of this unit nothing was read
            raise
    else:
        offset = offset or 0
        chunks = _to_line_end(source, unit.object, offset, unit.end)
    yield from blocks(chunks, object=name, start=offset)


def _to_line_end(source: Source, obj: SourceObject, start: int, end: int | None) -> Iterator[bytes]:
    """Yield the bytes from ``start`` up to the first line end that is not before the last byte of the range."""
    if end is None:
        yield from source.read(obj, start)
        return
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


def _behind_line_end(chunks: Iterator[bytes], offset: int) -> tuple[int, Iterator[bytes]]:
    """Skip all up to the first line end; return the offset behind it and what comes there."""
    for chunk in chunks:
        line_end = chunk.find(b"\n") + 1
        if line_end:
            return offset + line_end, _joined(chunk[line_end:], chunks)
        offset += len(chunk)
    return offset, chunks


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    # An empty chunk would say that no more is waiting.
    if first:
        yield first
    yield from rest


def _chosen(block: LineBlock, wanted: frozenset[int]) -> LineBlock:
    return replace(block, oversized=[at for at in block.oversized if at in wanted], wanted=wanted)


def _absent(name: str, lines: list[int]) -> Iterator[BlockResult]:
    if lines:
        rejects = [Rejected(Position(name, line), NO_SUCH_LINE, unparsable=True) for line in lines]
        yield BlockResult(name, lines[-1] + 1, Counters(lines=len(lines), unparsable=len(lines)), rejects=rejects)
