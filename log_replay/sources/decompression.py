"""Decompression by content: gzip, zstd and bzip2, of any number of members, in bounded chunks, up to any damage."""

from __future__ import annotations

import bz2
import re
import sys
import zlib
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple, Protocol

from log_replay.errors import DamagedObject, ReadError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

#: How much of an object's beginning tells whether it is compressed.
HEAD_BYTES = 10

#: No chunk is larger, however well it was compressed.
CHUNK_BYTES = 1 << 20


#: What the libraries raise for corrupt data.
DAMAGE = (zlib.error, zstd.ZstdError, OSError)


class Member(Protocol):
    """Decompresses one gzip member, zstd frame or bzip2 stream, as the standard library's decompressors do."""

    @property
    def eof(self) -> bool:
        """Whether its end was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether everything that was fed so far was given out."""

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond its end."""

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """Feed ``data`` and return up to ``max_length`` bytes."""


class Codec(NamedTuple):
    """A compressed format; it is fed in pieces, since a piece with an error in it gives nothing at all."""

    name: str
    magic: re.Pattern[bytes]
    member: Callable[[], Member]
    piece_bytes: int


class _GzipMember:
    """One gzip member, which gives everything that precedes an error."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=31)
        self._error: zlib.error | None = None
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        if self._error is not None:
            raise self._error
        data = self._inflater.unconsumed_tail + data
        before = self._inflater.copy()
        try:
            found = self._inflater.decompress(data, max_length)
        except zlib.error as error:
            self._inflater, self._error, self.needs_input = before, error, False
            return self._salvage(data)
        # When all that was wanted was made, there may be more, even if all the input was taken.
        self.needs_input = len(found) < max_length
        return found

    def _salvage(self, data: bytes) -> bytes:
        # zlib keeps what it made before an error to itself. Byte by byte, all of it comes out.
        salvaged = []
        for at in range(len(data)):
            try:
                salvaged.append(self._inflater.decompress(data[at : at + 1]))
            except zlib.error:
                break
        return b"".join(salvaged)


CODECS = (
    Codec("gzip", re.compile(rb"\x1f\x8b"), _GzipMember, 1 << 16),
    # A zstd file may begin with a skippable frame.
    Codec("zstd", re.compile(rb"(?s:\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)"), zstd.ZstdDecompressor, 512),
    # A text may begin with "BZh9", so that the first block's magic, or the end's, must follow as far as there is any.
    Codec(
        "bzip2",
        re.compile(rb"BZh[1-9](?:\x31\x41\x59\x26\x53\x59|\x17\x72\x45\x38\x50\x90|\Z)"),
        bz2.BZ2Decompressor,
        64,
    ),
)


def codec_of(head: bytes) -> Codec | None:
    """Return how an object that begins with ``head`` is compressed, None for plain text."""
    return next((codec for codec in CODECS if codec.magic.match(head)), None)


def is_compressed(head: bytes) -> bool:
    """Return whether an object that begins with ``head`` is compressed; ``HEAD_BYTES`` of it suffice."""
    return codec_of(head) is not None


def read_decompressed(
    read_raw: Callable[[int, int | None], Generator[bytes]], name: str, start: int, end: int | None
) -> Iterator[bytes]:
    """Yield an object's decompressed bytes from ``start`` up to ``end``; plain ones are read from ``start`` only.

    Args:
        read_raw: yields the stored bytes of a range.
        name: the object's.
        start: in decompressed bytes.
        end: likewise; None for the object's end.

    Raises:
        ReadError: ``read_raw`` did; its ``offset`` is in decompressed bytes.
        DamagedObject: the compressed data ends early or is corrupt.
    """
    if start and codec_of(b"".join(read_raw(0, HEAD_BYTES))) is None:
        with closing(read_raw(start, end)) as raw:
            yield from raw
        return
    with closing(read_raw(0, None)) as raw:
        head = bytearray()
        error = None
        try:
            while len(head) < HEAD_BYTES and (chunk := next(raw, None)) is not None:
                head += chunk
        except ReadError as caught:
            error = caught
        codec = codec_of(bytes(head))
        chunks = _chain(bytes(head), error, raw)
        yield from _window(chunks if codec is None else decompressed(chunks, codec, name), start, end)


def decompressed(chunks: Iterable[bytes], codec: Codec, name: str) -> Iterator[bytes]:
    """Yield what ``chunks`` hold, in chunks of ``CHUNK_BYTES`` at most, up to any damage.

    Raises:
        ReadError: ``chunks`` did; its ``offset`` is in decompressed bytes.
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
            hint="what precedes the damage was read; get a whole copy of the object",
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
    """Decompresses member after member; zeros between and behind them are padding, as for gzip(1)."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._member: Member | None = None
        self.damage: Exception | None = None

    @property
    def finished(self) -> bool:
        return self._member is None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk gives, up to any damage; an empty one (no more is waiting) is handed on."""
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


def _chain(head: bytes, error: ReadError | None, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield head
    if error:
        raise error
    yield from rest


def _window(chunks: Iterable[bytes], start: int, end: int | None) -> Iterator[bytes]:
    offset = 0
    for chunk in chunks:
        wanted = chunk[max(0, start - offset) : None if end is None else max(0, end - offset)]
        offset += len(chunk)
        if wanted or not chunk:
            yield wanted
        if end is not None and offset >= end:
            return
