"""Compressed formats: how to recognise and how to decompress each of them."""

from __future__ import annotations

import bz2
import lzma
import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, cast

from zlib_ng import zlib_ng

from log_replay.storage.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

#: Number of bytes at the beginning of an object that identify its format.
HEAD_BYTES = 10

#: The error of zlib-ng. Its stubs declare an instance.
GzipError = cast("type[Exception]", zlib_ng.error)
#: Errors that the libraries raise for corrupt data.
DAMAGE = (GzipError, zstd.ZstdError, lzma.LZMAError, OSError)


class Member(Protocol):
    """Decompressor of one gzip member, zstd frame, bzip2 or xz stream; its interface is ``bz2.BZ2Decompressor``'s."""

    @property
    def eof(self) -> bool:
        """True after the end of the member."""

    @property
    def needs_input(self) -> bool:
        """True if all output for the input so far has been returned."""

    @property
    def unused_data(self) -> bytes:
        """Input after the end of the member."""

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """Decompress more input, and return up to ``max_length`` bytes."""


class Codec(NamedTuple):
    """A compressed format.

    Attributes:
        name: of the format.
        magic: matches the first bytes of an object in this format.
        member: makes the decompressor of one member.
        piece_bytes: size of the pieces in which the input is decompressed. A library returns nothing of a piece that
            contains an error, so smaller pieces lose less data.
    """

    name: str
    magic: re.Pattern[bytes]
    member: Callable[[], Member]
    piece_bytes: int


class _GzipDecompressor(Protocol):
    """The decompressor of zlib-ng, whose stubs do not know ``copy``. See ``zlib.decompressobj``."""

    eof: bool
    unused_data: bytes
    unconsumed_tail: bytes

    def copy(self) -> Self: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


class GzipMember:
    """Decompressor of one gzip member. It returns all output before an error, and raises the error with the next call.

    When a call of zlib-ng fails, the output of that call is lost. Therefore the state before each call is copied. After
    an error, the copy decompresses the same input one byte at a time, up to the byte that fails. zlib-ng takes half of
    the time of Python's zlib.
    """

    def __init__(self) -> None:
        # 31: with the header and the checksum of gzip
        self._decompressor = cast("_GzipDecompressor", zlib_ng.decompressobj(wbits=31))
        self._error: Exception | None = None
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """True after the end of the member."""
        return self._decompressor.eof

    @property
    def unused_data(self) -> bytes:
        """Input after the end of the member."""
        return self._decompressor.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        """Decompress more input, and return up to ``max_length`` bytes."""
        if self._error is not None:
            raise self._error
        data = self._decompressor.unconsumed_tail + data
        state_before = self._decompressor.copy()
        try:
            output = self._decompressor.decompress(data, max_length)
        except GzipError as error:
            self._decompressor = state_before
            self._error = error
            self.needs_input = False  # so that the next call comes at once, and raises the error
            return self._output_before_error(data)
        # A call that returns max_length bytes may have more output, even if all input has been consumed.
        self.needs_input = len(output) < max_length
        return output

    def _output_before_error(self, data: bytes) -> bytes:
        output = []
        for at in range(len(data)):
            try:
                output.append(self._decompressor.decompress(data[at : at + 1]))
            except GzipError:
                break
        return b"".join(output)


#: Enough for every level of xz(1). A file can ask for much more.
_XZ_MEMORY_BYTES = 256 << 20

CODECS = (
    Codec("gzip", re.compile(rb"\x1f\x8b"), GzipMember, 1 << 17),
    # The second alternative is a skippable frame, which may be the first frame of a file.
    Codec("zstd", re.compile(rb"(?s:\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)"), zstd.ZstdDecompressor, 512),
    # A text may begin with "BZh9". The magic number of the first block, or of the end of the stream, must follow.
    Codec(
        "bzip2",
        re.compile(rb"BZh[1-9](?:\x31\x41\x59\x26\x53\x59|\x17\x72\x45\x38\x50\x90|\Z)"),
        bz2.BZ2Decompressor,
        64,
    ),
    Codec("xz", re.compile(rb"\xfd7zXZ\x00"), partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _XZ_MEMORY_BYTES), 512),
)

#: Formats that are recognised but not read.
UNSUPPORTED = {
    "zip": re.compile(rb"PK(?:\x03\x04|\x05\x06)"),
    "7z": re.compile(rb"7z\xbc\xaf\x27\x1c"),
    "rar": re.compile(rb"Rar!\x1a\x07"),
    "lz4": re.compile(rb"\x04\x22\x4d\x18"),
    "lzip": re.compile(rb"LZIP"),
    "lzma": re.compile(rb"\x5d\x00\x00"),
    "compress (.Z)": re.compile(rb"\x1f\x9d"),
    "snappy": re.compile(rb"\xff\x06\x00\x00sNaP"),
    "parquet": re.compile(rb"PAR1"),
    # With a byte order mark, or ASCII characters alternating with zeros.
    "UTF-16 or UTF-32": re.compile(
        rb"\xff\xfe|\xfe\xff|\x00\x00\xfe\xff"
        rb"|(?:[\x01-\x7f]\x00){3}|(?:\x00[\x01-\x7f]){3}|(?:[\x01-\x7f]\x00{3}){2}|(?:\x00{3}[\x01-\x7f]){2}"
    ),
}
#: Matches the first bytes of an object in any of these formats. One pattern takes a tenth of the time of all of them.
ANY_FORMAT = re.compile(
    b"|".join(b"(?:%b)" % magic.pattern for magic in (*(codec.magic for codec in CODECS), *UNSUPPORTED.values()))
)


def codec_of(head: bytes) -> Codec | None:
    """Return the format of an object that begins with ``head``, or None for plain text."""
    if not ANY_FORMAT.match(head):
        return None
    return next((codec for codec in CODECS if codec.magic.match(head)), None)


def unsupported_format(head: bytes) -> str | None:
    """Return the name of the format of an object that begins with ``head``, if the format cannot be read."""
    if not ANY_FORMAT.match(head):
        return None
    return next((name for name, magic in UNSUPPORTED.items() if magic.match(head)), None)


def is_compressed(head: bytes) -> bool:
    """Return True if an object that begins with ``head`` (``HEAD_BYTES`` bytes) is not plain text."""
    return bool(ANY_FORMAT.match(head))
