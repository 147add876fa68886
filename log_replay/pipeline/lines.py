r"""Cut bytes into blocks of whole lines with their offsets. Only ``b"\n"`` ends a line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from log_replay.errors import SourceError
from log_replay.records import LineBlock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from log_replay.records import Text

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 16 << 20


def blocks(
    chunks: Iterable[bytes],
    *,
    object: str,  # noqa: A002 - the field's own term, and only ever a keyword
    start: int = 0,
    block_bytes: int = BLOCK_BYTES,
    max_line_bytes: int = MAX_LINE_BYTES,
) -> Iterator[LineBlock]:
    """Yield the lines of an object in blocks of about ``block_bytes``, and at most a quarter more.

    An empty chunk means that the source has no more data yet: the lines so far are yielded. Of a line that is longer
    than ``max_line_bytes``, only the offset is kept. If the source fails, its incomplete last line is dropped.

    Args:
        chunks: the bytes of the object from ``start`` on, cut anywhere.
        object: the name of the object.
        start: the offset of the first byte, which begins a line.
        block_bytes: the size of a block.
        max_line_bytes: the length limit of a line.

    Raises:
        SourceError: ``chunks`` raised it. Its ``offset`` is the beginning of the first line that was not yielded.
    """
    collector = _LineCollector(object, start, max_line_bytes)
    try:
        for chunk in chunks:
            for piece in (chunk,) if len(chunk) <= block_bytes else _pieces(chunk, block_bytes):
                if collector.size + len(piece) > block_bytes + block_bytes // 4:
                    yield from collector.cut()
                collector.add(piece)
                if collector.skipping or not piece:
                    yield from collector.cut()
    except SourceError as error:
        yield from collector.cut()
        error.offset = collector.line_offset
        raise
    yield from collector.finish()


def _pieces(chunk: bytes, piece_bytes: int) -> Iterator[bytes]:
    for at in range(0, len(chunk), piece_bytes):
        yield chunk[at : at + piece_bytes]


def split_block(block: LineBlock, parts: int) -> Iterator[LineBlock]:
    """Yield the lines of a block in smaller blocks of about the same size."""
    if block.oversized:
        yield replace(block, pieces=(), end_offset=block.start)
    text = bytes(block.text)
    part_bytes = max(1, len(text) // parts)
    begin = 0
    while begin < len(text):
        end = text.find(b"\n", begin + part_bytes - 1) + 1 or len(text)
        start, end_offset = block.start + begin, block.start + end
        yield LineBlock(block.object, (text[begin:end],), start, end_offset, wanted=block.wanted)
        begin = end


class _LineCollector:
    """Collects pieces, and cuts them after their last line end.

    A line that becomes too long while it is collected is dropped at once. The rest of it is skipped.
    """

    def __init__(self, name: str, start: int, max_line_bytes: int) -> None:
        self._name = name
        self._max_line_bytes = max_line_bytes
        self._oversized: list[int] = []
        self._offset = start
        self._pieces: list[bytes] = []
        self.size = 0
        self._complete = 0
        self._skipped = 0

    @property
    def skipping(self) -> bool:
        """True while the incomplete last line is too long."""
        return self._skipped > 0

    @property
    def line_offset(self) -> int:
        """The offset of the incomplete last line."""
        return self._offset + self._complete

    def add(self, piece: bytes) -> None:
        if self.skipping:
            piece = self._skip(piece)
        line_end = piece.rfind(b"\n") + 1
        if line_end:
            self._complete = self.size + line_end
        self._pieces.append(piece)
        self.size += len(piece)
        if self.size - self._complete > self._max_line_bytes:
            self._drop_last_line()

    def cut(self) -> Iterator[LineBlock]:
        """Yield the complete lines, if there are any, as a block; keep the incomplete last line."""
        if self._complete or self._oversized:
            complete, rest = self._split_after_last_line_end()
            yield from self._blocks(complete)
            self._pieces, self.size, self._complete = [rest], len(rest), 0

    def _split_after_last_line_end(self) -> tuple[Sequence[Text], bytes]:
        *earlier, last = self._pieces
        complete_in_last = self._complete - sum(map(len, earlier))
        if complete_in_last >= 0:  # nearly always: the complete lines need no copy
            return [*earlier, memoryview(last)[:complete_in_last]], last[complete_in_last:]
        joined = b"".join(self._pieces)
        return [joined[: self._complete]], joined[self._complete :]

    def finish(self) -> Iterator[LineBlock]:
        """Yield the remaining lines. The last line of an object needs no line end."""
        if self.skipping:
            self._end_skipped_line()
        yield from self._blocks(tuple(self._pieces))

    def _drop_last_line(self) -> None:
        self._skipped = self.size - self._complete
        self._pieces = [b"".join(self._pieces)[: self._complete]]
        self.size = self._complete

    def _skip(self, piece: bytes) -> bytes:
        line_end = piece.find(b"\n") + 1
        self._skipped += line_end or len(piece)
        if not line_end:
            return b""
        self._end_skipped_line()
        return piece[line_end:]

    def _end_skipped_line(self) -> None:
        # The lines before it were cut when skipping began, so the line begins at the offset.
        self._oversized.append(self._offset)
        self._offset += self._skipped
        self._skipped = 0

    def _blocks(self, pieces: Sequence[Text]) -> Iterator[LineBlock]:
        """Yield lines as one block, or as several blocks with the lines that are too long left out between them."""
        size = sum(map(len, pieces))
        if size > self._max_line_bytes:
            text, start = b"".join(pieces), 0
            for begin, end in _too_long(text, self._max_line_bytes):
                if begin > start:
                    yield self._block([text[start:begin]])
                self._oversized.append(self._offset)
                self._offset += end - begin
                start = end
            pieces, size = [text[start:]], size - start
        if size or self._oversized:
            yield self._block(pieces)

    def _block(self, pieces: Sequence[Text]) -> LineBlock:
        start, self._offset = self._offset, self._offset + sum(map(len, pieces))
        oversized, self._oversized = self._oversized, []
        return LineBlock(self._name, pieces, start, self._offset, oversized)


def _too_long(text: bytes, max_line_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield the begin and the end of each line that is too long."""
    begin = 0
    while begin < len(text):
        line_end = text.find(b"\n", begin)
        end = len(text) if line_end < 0 else line_end + 1
        if end - begin - (line_end >= 0) > max_line_bytes:
            yield begin, end
        begin = end
