"""Decompress objects: any number of members, in chunks of bounded size, up to the first damage."""

from __future__ import annotations

from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING

from log_replay.errors import DamagedObject, ReadError
from log_replay.sources.codecs import DAMAGE, HEAD_BYTES, codec_of, unsupported_format

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from log_replay.sources.codecs import Codec, Member

#: The largest chunk, however well the data is compressed.
CHUNK_BYTES = 1 << 20


def read_decompressed(
    read_raw: Callable[[int, int | None], Generator[bytes]], name: str, start: int, end: int | None
) -> Iterator[bytes]:
    """Yield an object's decompressed bytes from ``start`` up to ``end``. A plain object is only read from ``start`` on.

    Args:
        read_raw: yields the stored bytes of a range.
        name: of the object.
        start: in decompressed bytes.
        end: in decompressed bytes, or None for the end of the object.

    Raises:
        ReadError: raised by ``read_raw``, with an ``offset`` in decompressed bytes; or the format is not supported.
        DamagedObject: the compressed data ends early or is corrupt.
    """
    if start:
        head = b"".join(read_raw(0, HEAD_BYTES))
        _check_format(head, name)
        if codec_of(head) is None:
            with closing(read_raw(start, end)) as raw:
                yield from raw
            return
    with closing(read_raw(0, None)) as raw:
        head, chunks = _peek(raw)
        _check_format(head, name)
        codec = codec_of(head)
        if codec is not None:
            head, chunks = _peek(decompressed(chunks, codec, name))
            _check_format(head, name, inside=codec)
        yield from _window(chunks, start, end) if start or end is not None else chunks


def _check_format(head: bytes, name: str, inside: Codec | None = None) -> None:
    """Raise an error if the format of an object, or of the content of a compressed object, cannot be read."""
    inner = codec_of(head) if inside else None
    found = inner.name if inner else unsupported_format(head)
    if found is not None:
        raise ReadError(
            f"it is {found} in {inside.name}" if inside else f"it is {found}",
            operation="read",
            object=name,
            offset=0,
            hint="convert it to UTF-8 text, plain or compressed once with gzip, zstd, bzip2 or xz",
        )


def decompressed(chunks: Iterable[bytes], codec: Codec, name: str) -> Iterator[bytes]:
    """Yield the decompressed content of ``chunks``, in chunks of at most ``CHUNK_BYTES``.

    Raises:
        ReadError: raised by ``chunks``; its ``offset`` is in decompressed bytes.
        DamagedObject: the data ends early or is corrupt.
    """
    decompressor = _Decompressor(codec)
    offset = 0

    def damaged(what: str) -> DamagedObject:
        return DamagedObject(
            f"its {codec.name} data {what}",
            operation="read",
            object=name,
            offset=offset,
            hint="everything before the damage was read; replace the object by an undamaged copy",
        )

    try:
        for chunk in chunks:
            for data in decompressor.feed(chunk):
                offset += len(data)
                yield data
            if decompressor.damage:
                raise damaged("is corrupt") from decompressor.damage
    except ReadError as error:
        error.offset = offset
        raise
    if not decompressor.finished:
        raise damaged("ends early")


class _Decompressor:
    """Decompress one member after another. As in gzip(1), zeros between and after members are padding.

    Attributes:
        damage: the error that ended the decompression, if any.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._member: Member | None = None
        self.damage: Exception | None = None

    @property
    def finished(self) -> bool:
        """True if no member is incomplete."""
        return self._member is None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the output of a chunk up to the first damage. An empty chunk gives an empty chunk."""
        found: list[bytes] = []
        size = 0
        for data in self._feed_pieces(chunk):
            if size + len(data) > CHUNK_BYTES:
                yield b"".join(found)
                found, size = [], 0
            found.append(data)
            size += len(data)
        if size or not chunk:
            yield b"".join(found)

    def _feed_pieces(self, chunk: bytes) -> Iterator[bytes]:
        try:
            for at in range(0, len(chunk), self._codec.piece_bytes):
                yield from self._feed_piece(chunk[at : at + self._codec.piece_bytes])
        except DAMAGE as error:
            self.damage = error

    def _feed_piece(self, piece: bytes) -> Iterator[bytes]:
        while self._member or (piece := piece.lstrip(b"\0")):
            self._member = self._member or self._codec.member()
            yield self._member.decompress(piece, CHUNK_BYTES)
            while not (self._member.eof or self._member.needs_input):
                yield self._member.decompress(b"", CHUNK_BYTES)
            if not self._member.eof:
                return
            piece = self._member.unused_data
            self._member = None


def _peek(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes of a stream, ``HEAD_BYTES`` or more if there are so many, and the whole stream."""
    head = b""
    error = None
    try:
        while len(head) < HEAD_BYTES and (chunk := next(chunks, None)) is not None:
            head = head + chunk if head else chunk
    except (ReadError, DamagedObject) as caught:
        error = caught  # raised again after the first bytes
    return head, _then_raise(head, error) if error else chain((head,), chunks)


def _then_raise(head: bytes, error: ReadError | DamagedObject) -> Iterator[bytes]:
    yield head
    raise error


def _window(chunks: Iterable[bytes], start: int, end: int | None) -> Iterator[bytes]:
    offset = 0
    for chunk in chunks:
        wanted = chunk[max(0, start - offset) : None if end is None else max(0, end - offset)]
        offset += len(chunk)
        if wanted or not chunk:
            yield wanted
        if end is not None and offset >= end:
            return
