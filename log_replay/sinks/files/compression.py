"""Statements -> the bytes of an output, the same bytes for the same statements."""

from __future__ import annotations

import gzip
import hashlib
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

#: What each compression appends to a name.
SUFFIXES = {None: "", "gzip": ".gz", "zstd": ".zst"}

_GZIP_LEVEL = 6
_ZSTD_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}


class Writable(Protocol):
    """What lines are written to."""

    def write(self, data: bytes, /) -> int:
        """Write all of it."""


class Tally:
    """Counts and digests what is written through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """The digest of everything written so far, in hexadecimal."""
        return self._sha256.hexdigest()

    def write(self, data: bytes, /) -> int:
        """Write all of it."""
        self._sha256.update(data)
        self.size_bytes += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Leave it to the file's owner when to flush."""


@contextmanager
def compressed(file: Tally, compression: str | None) -> Iterator[Writable]:
    """Give something that writes to the file, compressed by ``gzip``, ``zstd`` or not at all."""
    raw = cast("Any", file)  # neither library asks for more than ``write`` and ``flush``
    if compression is None:
        yield file
    elif compression == "gzip":
        # No name and no time in the header: a repeat gives the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=_GZIP_LEVEL, mtime=0) as gzipped:
            yield cast("Writable", gzipped)
    else:
        with zstd.ZstdFile(raw, "w", options=_ZSTD_OPTIONS) as zstded:
            yield cast("Writable", zstded)
