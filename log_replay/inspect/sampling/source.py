"""Read the blocks of a sample: each with one request, several at a time.

The requests of an object store take longer than the bytes of a block. Threads read the next blocks ahead, each with a
source of its own, because the connections of libcloud are not safe for several threads.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Self

from log_replay.errors import DamagedObject, LogReplayError, ReadError
from log_replay.inspect.sampling.blocks import (
    COMPRESSION,
    DEFAULT_SAMPLE_BYTES,
    SAMPLED_ABOVE_BYTES,
    plan_sample,
)
from log_replay.sources.codecs import HEAD_BYTES, codec_of, is_compressed
from log_replay.sources.decompression import decompressed
from log_replay.sources.wrapped import UnwrappedSource, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from log_replay.inspect.sampling.blocks import SampledBlock, SamplePlan
    from log_replay.options.values import Sample
    from log_replay.records import SkippedObject, SourceObject
    from log_replay.sources import Source

THREADS = 8
#: The number of blocks that are read ahead.
BLOCKS_AHEAD = 16
#: Read after the end of a block, for the rest of its last line.
TAIL_BYTES = 64 << 10
#: A longer beginning of a compressed object is not read ahead, but as it is needed.
LARGEST_AHEAD_BYTES = 4 << 20
#: Up to this number of objects, the content tells which ones are compressed; the names do for more.
CHECKED_OBJECTS = 2000
COMPRESSED_NAMES = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz")


class _Window(NamedTuple):
    """Stored bytes of an object that were read ahead."""

    name: str
    start: int
    data: bytes

    def has(self, name: str, offset: int) -> bool:
        return self.name == name and self.start <= offset < self.start + len(self.data)


class SampledSource:
    """A source for the blocks of a sample, which are read in their order.

    Args:
        open_source: opens the source of the whole log.
        seed: the seed of the random choice of the blocks.
        threads: the number of threads that read ahead.

    Attributes:
        plan: the blocks to read, None if everything is read.
    """

    plan: SamplePlan | None = None

    def __init__(self, open_source: Callable[[], Source], seed: int = 0, threads: int = THREADS) -> None:
        self._seed = seed
        self._open_source = open_source
        self._source = open_source()
        self._unwraps = isinstance(self._source, UnwrappedSource)
        self._of_thread = threading.local()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="sample")
        self._blocks: Iterator[SampledBlock] = iter(())
        self._ahead: deque[tuple[SampledBlock, Future[_Window]]] = deque()
        self._window = _Window("", 0, b"")
        self._is_named = False
        self._beginnings: dict[str, SampledBlock] = {}
        #: The share of a beginning's bytes that are not whole lines, by the number of its unit.
        self.cut_off: dict[int, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def check(self) -> None:
        """Check that the source can be listed."""
        self._source.check()

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List the objects of the whole log."""
        return self._source.objects()

    def compressed(self, objects: Sequence[SourceObject]) -> set[str]:
        """Return the names of the objects that can only be read from their beginning."""
        if self._unwraps:
            return {found.name for found in objects}
        self._is_named = len(objects) > CHECKED_OBJECTS
        if self._is_named:
            return {found.name for found in objects if found.name.lower().endswith(COMPRESSED_NAMES)}
        answers = self._pool.map(self._is_compressed, objects)
        return {found.name for found, answer in zip(objects, answers, strict=True) if answer}

    def choose(self, objects: Sequence[SourceObject], sample: Sample | None) -> SamplePlan | None:
        """Choose the blocks to read from now on. It returns None if everything is to be read.

        Args:
            objects: all objects.
            sample: the size of the sample.
        """
        stored_bytes = sum(found.size_bytes or 0 for found in objects)
        is_size_known = all(found.size_bytes is not None for found in objects)
        if sample is None or not is_size_known or (sample.is_auto and stored_bytes <= SAMPLED_ABOVE_BYTES):
            return None
        compressed = self.compressed(objects)
        size_bytes = sample.size_bytes or DEFAULT_SAMPLE_BYTES
        if sample.percent is not None:
            whole = sum((found.size_bytes or 0) * (COMPRESSION if found.name in compressed else 1) for found in objects)
            size_bytes = max(1, round(whole * sample.percent / 100))
        plan = plan_sample(objects, size_bytes, lambda found: found.name in compressed, self._seed)
        self.begin(plan)
        return plan

    def begin(self, plan: SamplePlan) -> None:
        """Read the blocks of this plan from now on."""
        self.plan = plan
        self._blocks = iter(plan.blocks)
        self._beginnings = {block.unit.object.name: block for block in plan.blocks if block.stored_bytes is not None}
        self._fill()

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of a range. A compressed object ends with the last line of its beginning."""
        block = self._beginnings.get(obj.name)
        if block is not None:
            yield from self._read_beginning(block)
            return
        window = self._window_at(obj, start)
        if window is not None:
            stop = None if end is None else end - window.start
            data = window.data[start - window.start : stop]
            yield data
            start += len(data)
        if end is None or start < end:
            yield from self._source.read(obj, start, end)

    def read_stored(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        """Yield the stored bytes of a range."""
        return self._source.read_stored(obj, start, end)

    def is_compressed(self, obj: SourceObject) -> bool:
        """Return True if the object can only be read from its beginning."""
        return obj.name in self._beginnings if self.plan else self._source.is_compressed(obj)

    def _is_compressed(self, obj: SourceObject) -> bool:
        try:
            return is_compressed(b"".join(self._own_source().read_stored(obj, 0, HEAD_BYTES)))
        except LogReplayError:
            return True  # reading its beginning reports the error

    def _own_source(self) -> Source:
        """Return the source of the current thread."""
        if not hasattr(self._of_thread, "source"):
            self._of_thread.source = self._open_source()
        source: Source = self._of_thread.source
        return source

    def _fill(self) -> None:
        for block in islice(self._blocks, BLOCKS_AHEAD - len(self._ahead)):
            self._ahead.append((block, self._pool.submit(self._fetch, block)))

    def _fetch(self, block: SampledBlock) -> _Window:
        """Read the stored bytes of a block, and some bytes before and after it."""
        unit, size = block.unit, block.unit.object.size_bytes or 0
        if self._is_named and block.stored_bytes is None and self._is_compressed(unit.object):
            raise ReadError(
                "it is compressed, and its name does not say so",
                operation="read",
                object=unit.object.name,
                offset=unit.start,
                hint="use --sample all",
            )
        if block.stored_bytes is not None:
            start, end = 0, block.stored_bytes if block.stored_bytes <= LARGEST_AHEAD_BYTES else 0
        else:
            # A line begins at the start of the block if there is a line end before it.
            start, end = max(unit.start - 1, 0), min((unit.end or size) + TAIL_BYTES, size)
        data = b"".join(self._own_source().read_stored(unit.object, start, end)) if end > start else b""
        return _Window(unit.object.name, start, data)

    def _window_at(self, obj: SourceObject, start: int) -> _Window | None:
        """Return the bytes at an offset, if they were read ahead."""
        while not self._window.has(obj.name, start) and self._ahead:
            block, future = self._ahead[0]
            if block.unit.object.name != obj.name or max(block.unit.start - 1, 0) > start:
                return None
            self._ahead.popleft()
            self._fill()
            self._window = future.result()
        return self._window if self._window.has(obj.name, start) else None

    def _read_beginning(self, block: SampledBlock) -> Iterator[bytes]:
        """Yield the whole lines in the beginning of a compressed object."""
        obj, stored_bytes = block.unit.object, block.stored_bytes or 0
        window = self._window_at(obj, 0)
        if window is not None:
            stored: Iterable[bytes] = iter((window.data,))
        else:
            stored = self._source.read_stored(obj, 0, stored_bytes)
        head, stored = _first(stored)
        codec = codec_of(head)
        if stored_bytes >= (obj.size_bytes or 0):
            yield from (
                self._source.read(obj) if codec is None or self._unwraps else decompressed(stored, codec, obj.name)
            )
            return
        if codec is None and is_compressed(head):
            yield from self._source.read(obj)  # it raises the error: the format is not supported
            return
        chunks = iter(stored) if codec is None else decompressed(stored, codec, obj.name)
        chunks = unwrapped(chunks) if self._unwraps else chunks
        kept, left = 0, b""
        with suppress(DamagedObject):  # the compressed data ends early here
            for chunk in chunks:
                line_end = chunk.rfind(b"\n") + 1
                if line_end:
                    lines, left = left + chunk[:line_end], chunk[line_end:]
                    kept += len(lines)
                    yield lines
                else:
                    left += chunk
        self.cut_off[block.unit.number] = len(left) / (kept + len(left)) if left else 0.0


def _first(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes of a stream, and the whole stream."""
    stream = iter(chunks)
    head = next(stream, b"")
    while 0 < len(head) < HEAD_BYTES and (more := next(stream, b"")):
        head += more

    def whole() -> Iterator[bytes]:
        yield head
        yield from stream

    return head, whole()
