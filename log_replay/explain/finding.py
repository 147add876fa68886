"""Find the line at an offset of an object. Offsets are those of the decompressed object, as in ``--rejects``."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from log_replay.errors import ConfigurationError
from log_replay.pipeline.lines import MAX_LINE_BYTES, blocks
from log_replay.records import Position, SourceObject, lines_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from log_replay.records import LineBlock
    from log_replay.sources import Source

#: The first part of a plain object that is searched backwards for the beginning of a line.
WINDOW_BYTES = 1 << 16
SHOWN_NAMES = 3


class FoundLine(NamedTuple):
    """A line of an object. ``text`` is None if the line is too long to be kept in memory."""

    position: Position
    text: bytes | None


def find_line(source: Source, name: str, offset: int) -> FoundLine:
    """Return the line that begins at an offset.

    Raises:
        ConfigurationError: the source has no such object, it is shorter, or no line begins there.
        SourceError: the object cannot be read.
    """
    obj = _find_object(source, name)
    shown = f"{name}:{offset}"
    is_compressed = source.is_compressed(obj)
    if not is_compressed and obj.size_bytes is not None and offset >= obj.size_bytes:
        raise ConfigurationError(
            f"the object ends at {obj.size_bytes}", operation="find", object=shown, hint="offsets are counted in bytes"
        )
    if offset and _byte_before(source, obj, offset) != b"\n":
        begin = _beginning(source, obj, offset, is_compressed=is_compressed)
        raise ConfigurationError(
            "no line begins at this offset", operation="find", object=shown, hint=f"it is in the line at {name}:{begin}"
        )
    line = next(_lines(source, obj, offset), None)
    if line is None:
        raise _beyond_the_end(shown)
    return line


def lines_of_stream(source: Source) -> Iterator[FoundLine]:
    """Yield every line of a source with one object, such as standard input."""
    for obj in source.objects():
        if isinstance(obj, SourceObject):
            yield from _lines(source, obj, 0)


def lines_of_block(block: LineBlock) -> Iterator[FoundLine]:
    """Yield the lines of a block."""
    found = [*lines_of(block), *((None, offset) for offset in block.oversized)]
    for text, offset in sorted(found, key=lambda line: line[1]):
        yield FoundLine(Position(block.object, offset), text)


def _find_object(source: Source, name: str) -> SourceObject:
    others = []
    for found in source.objects():
        if found.name == name:
            if isinstance(found, SourceObject):
                return found
            raise ConfigurationError(f"it is not a log: {found.reason}", operation="find", object=name)
        others.append(found.name)
    shown = (
        f"it has {', '.join(others[:SHOWN_NAMES])}{' ...' * (len(others) > SHOWN_NAMES)}" if others else "it is empty"
    )
    raise ConfigurationError("the source has no object of this name", operation="find", object=name, hint=shown)


def _lines(source: Source, obj: SourceObject, offset: int) -> Iterator[FoundLine]:
    for block in blocks(source.read(obj, offset), object=obj.name, start=offset, block_bytes=WINDOW_BYTES):
        yield from lines_of_block(block)


def _byte_before(source: Source, obj: SourceObject, offset: int) -> bytes:
    """Return the byte before an offset.

    Raises:
        ConfigurationError: the object ends before it.
    """
    found = b"".join(source.read(obj, offset - 1, offset))
    if not found:
        raise _beyond_the_end(f"{obj.name}:{offset}")
    return found


def _beyond_the_end(shown: str) -> ConfigurationError:
    return ConfigurationError(
        "the object ends before this offset",
        operation="find",
        object=shown,
        hint="of a compressed object, offsets are those of the decompressed text",
    )


def _beginning(source: Source, obj: SourceObject, offset: int, *, is_compressed: bool) -> int:
    """Return the offset where the line that contains an offset begins."""
    if is_compressed:
        begin = at = 0
        with closing(_chunks(source, obj, 0, offset)) as chunks:
            for chunk in chunks:
                line_end = chunk.rfind(b"\n")
                begin = at + line_end + 1 if line_end >= 0 else begin
                at += len(chunk)
        return begin
    window = WINDOW_BYTES
    while True:
        start = max(0, offset - window)
        text = b"".join(source.read(obj, start, offset))
        line_end = text.rfind(b"\n")
        if line_end >= 0 or start == 0 or window > MAX_LINE_BYTES:
            return start + line_end + 1
        window *= 4


def _chunks(source: Source, obj: SourceObject, start: int, end: int) -> Generator[bytes]:
    yield from source.read(obj, start, end)
