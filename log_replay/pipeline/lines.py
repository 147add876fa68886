r"""Bytes -> blocks of whole lines with their offsets; splits on ``b"\n"`` only."""

from __future__ import annotations

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
    """Yield an object's lines in blocks of about ``block_bytes``, without their line ends.

    An empty chunk says that no more is waiting: the lines so far are then handed on. A line of more than
    ``max_line_bytes`` is never kept, only its offset. An incomplete last line of a broken source is dropped.

    Args:
        chunks: the object's bytes from ``start`` on, however cut.
        object: its name.
        start: the offset of the first byte, which begins a line.
        block_bytes: how much makes a block.
        max_line_bytes: how long a line may be.

    Raises:
        SourceError: ``chunks`` did; its ``offset`` is where the first line that was not yielded begins.
    """
    cutter = _Cutter(object, start, max_line_bytes)
    try:
        for chunk in chunks:
            for piece in _pieces(chunk, block_bytes):
                cutter.add(piece)
                if cutter.size >= block_bytes or cutter.skipping or not piece:
                    yield from cutter.cut()
    except SourceError as error:
        yield from cutter.cut()
        error.offset = cutter.line_offset
        raise
    yield from cutter.finish()


def _pieces(chunk: bytes, piece_bytes: int) -> Iterator[bytes]:
    if len(chunk) <= piece_bytes:
        yield chunk
        return
    for at in range(0, len(chunk), piece_bytes):
        yield chunk[at : at + piece_bytes]


class _Cutter:
    """Collects pieces and cuts them behind their last line end.

    A line that grows too long while it is collected is dropped at once and then skipped, piece by piece.
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
        """Whether the incomplete last line is too long."""
        return self._skipped > 0

    @property
    def line_offset(self) -> int:
        """Where the incomplete last line begins."""
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
        """Yield the complete lines, if there are any, as a block."""
        if self._complete or self._oversized:
            # The last line nearly always began in the last piece: then nothing of what is complete is copied.
            last = self._pieces.pop()
            kept = self._complete - self.size + len(last)
            if kept < 0:
                last = b"".join((*self._pieces, last))
                self._pieces, kept = [], self._complete
            yield from self._blocks((*self._pieces, memoryview(last)[:kept]))
            self._pieces, self.size, self._complete = [last[kept:]], len(last) - kept, 0

    def finish(self) -> Iterator[LineBlock]:
        """Yield the rest: at the end of an object, a line needs no line end."""
        if self.skipping:
            self._end_skipped_line()
        if self.size > self._complete:
            yield from self._blocks(tuple(self._pieces))
        else:
            yield from self.cut()

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
        # Whatever preceded the line was cut when skipping began, so that it begins at the offset.
        self._oversized.append(self._offset)
        self._offset += self._skipped
        self._skipped = 0

    def _blocks(self, pieces: Sequence[Text]) -> Iterator[LineBlock]:
        """Yield these lines as a block, or as several around lines that are too long."""
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
    """Yield where lines that are too long begin, and where the lines after them do."""
    begin = 0
    while begin < len(text):
        line_end = text.find(b"\n", begin)
        end = len(text) if line_end < 0 else line_end + 1
        if end - begin - (line_end >= 0) > max_line_bytes:
            yield begin, end
        begin = end
