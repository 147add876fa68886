"""Write a file with or without compression: the same content gives the same bytes."""

from __future__ import annotations

import gzip
import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

from log_replay.storage.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

#: What each compression appends to the name of a file.
SUFFIXES = {None: "", "gzip": ".gz", "zstd": ".zst"}

_GZIP_LEVEL = 6
_ZSTD_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}


class Writable(Protocol):
    """A destination of lines."""

    def write(self, data: bytes, /) -> int:
        """Write all of the data."""


class Tally:
    """A file that counts the bytes written to it and computes their digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """The digest of all bytes written so far, in hexadecimal."""
        return self._sha256.hexdigest()

    def write(self, data: bytes, /) -> int:
        """Write all of the data."""
        self._sha256.update(data)
        self.size_bytes += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Do nothing: the owner of the file flushes it."""


@contextmanager
def compressed(file: Tally, compression: str | None) -> Iterator[Writable]:
    """Yield an object that compresses with ``gzip``, ``zstd`` or not at all, and writes to the file."""
    raw = cast("Any", file)  # both libraries use only ``write`` and ``flush``
    if compression is None:
        yield file
    elif compression == "gzip":
        # The header contains no name and no time, so that a repeated run writes the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=_GZIP_LEVEL, mtime=0) as gzipped:
            yield cast("Writable", gzipped)
    else:
        with zstd.ZstdFile(raw, "w", options=_ZSTD_OPTIONS) as zstded:
            yield cast("Writable", zstded)
