"""A source that simulates an object store of any size, and counts requests and bytes."""

from __future__ import annotations

import gzip
import itertools
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING

from log_replay.records import SourceObject
from log_replay.sources.codecs import is_compressed
from log_replay.sources.decompression import read_decompressed
from tests.generate_log import lines

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

CHUNK_BYTES = 1 << 20


class SimulatedStore:
    """Objects of equal size that repeat the same lines. The object is also its own source, for several threads.

    Args:
        total_bytes: the approximate size of all objects, as stored.
        objects: the number of objects.
        compressed: store gzip members, each with the same lines.
        seconds: the time that each request takes, beside the transfer.
        bytes_per_second: the speed of the transfer.
    """

    def __init__(
        self,
        total_bytes: int,
        objects: int,
        *,
        compressed: bool = False,
        seconds: float = 0.0,
        bytes_per_second: float = 0.0,
    ) -> None:
        self._compressed, self._count = compressed, objects
        self._seconds, self._bytes_per_second = seconds, bytes_per_second
        self._size = total_bytes // objects // len(self._content) * len(self._content)
        self._lock = threading.Lock()
        self.requests = 0
        self.read_bytes = 0

    @cached_property
    def _lines(self) -> list[bytes]:
        return list(lines(total_bytes=4_000_000))

    @cached_property
    def _content(self) -> bytes:
        """The bytes that each object repeats."""
        text = b"".join(self._lines)
        return gzip.compress(text, 6, mtime=0) if self._compressed else text

    @property
    def lines(self) -> int:
        """The number of lines in all objects."""
        return self._count * (self._size // len(self._content)) * len(self._lines)

    def check(self) -> None:
        """There is nothing to check."""

    def objects(self) -> Iterator[SourceObject]:
        """List the objects."""
        end = ".gz" if self._compressed else ""
        for number in range(self._count):
            yield SourceObject(f"tracking.log-{number:06}{end}", self._size)

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield decompressed bytes."""
        return read_decompressed(lambda begin, until: self.read_stored(obj, begin, until), obj.name, start, end)

    def read_stored(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        """Yield stored bytes: one request."""
        with self._lock:
            self.requests += 1
        time.sleep(self._seconds)
        content, end = self._content, self._size if end is None else min(end, self._size)
        for begin in range(start, end, CHUNK_BYTES):
            until = min(begin + CHUNK_BYTES, end)
            first = begin // len(content) * len(content)
            repeated = b"".join(itertools.repeat(content, (until - first) // len(content) + 1))
            with self._lock:
                self.read_bytes += until - begin
            if self._bytes_per_second:
                time.sleep((until - begin) / self._bytes_per_second)
            yield repeated[begin - first : until - first]

    def is_compressed(self, obj: SourceObject) -> bool:
        """Return True if the object can only be read from its beginning."""
        return is_compressed(b"".join(self.read_stored(obj, 0, 10)))
