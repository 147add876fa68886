"""Read the next units in threads while the current one is worked on.

Each request to an object store takes some time before its first byte. Reading several objects at the same time hides
this time. It also decompresses on several cores: the libraries release Python's global lock while they decompress.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from log_replay.pipeline.workers import SOURCE_IS_SLOW
from log_replay.records import BlockResult, LineBlock, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from log_replay.options import Options
    from log_replay.records import SkippedObject

    Blocks: TypeAlias = Generator[LineBlock | BlockResult, None, None]

#: Units are begun ahead as long as they are not larger than this in all, the current one included. Reading ahead of a
#: large unit would not save time.
UNITS_AHEAD_BYTES = 64 << 20
#: The size of the blocks that are kept of each unit until they are wanted. One block can be larger.
KEPT_BYTES = 2 << 20
#: With up to this number of workers, local files are not read ahead.
WORKERS_WITHOUT_THREADS = 2
#: After this time without a block, the source counts as slow: see ``SOURCE_IS_SLOW``.
SLOW_SECONDS = 0.2
#: How long the threads may take to end after a stop. A thread that waits for a server ends later.
STOP_SECONDS = 1.0


class _Reading:
    """A unit that is being read, with its blocks that were not taken yet. The fields are guarded by the lock."""

    def __init__(self, unit: Unit, lock: threading.Lock) -> None:
        self.unit = unit
        self.blocks: deque[LineBlock | BlockResult] = deque()
        self.size_bytes = 0
        self.ended = False
        self.dropped = False
        self.error: Exception | None = None
        self.room = threading.Condition(lock)

    def has_news(self) -> bool:
        """Return True if a block can be taken, or no more will come."""
        return bool(self.blocks) or self.ended

    def has_room(self, size_bytes: int) -> bool:
        """Return True if a block of this size can be kept, or is not wanted any more."""
        return self.dropped or not self.blocks or self.size_bytes + size_bytes <= KEPT_BYTES


class ReadAhead:
    """Reads units in their order, and some of the next ones at the same time. It is a context manager.

    An error is raised in its place, as without reading ahead.

    Args:
        read: yields the blocks of a unit. Several threads call it.
        units: the number of units that are read besides the current one; 0 reads without threads.
    """

    def __init__(self, read: Callable[[Unit], Blocks], units: int) -> None:
        self._read = read
        self._units = units
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        # Guarded by the lock:
        self._waiting: deque[_Reading] = deque()
        self._current: _Reading | None = None
        self._stopped = False
        self._work = threading.Condition(self._lock)
        self._news = threading.Condition(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        with self._lock:
            self._stopped = True
            self._work.notify_all()
        end = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def units(self, units: Iterable[Unit | SkippedObject]) -> Generator[tuple[Unit | SkippedObject, Iterator[Any]]]:
        """Yield each unit with its blocks; skipped objects have none.

        ``SOURCE_IS_SLOW`` can stand before any block. Blocks that are not taken before the next unit are dropped.
        """
        if not self._units:
            yield from ((unit, self._read(unit) if isinstance(unit, Unit) else iter(())) for unit in units)
            return
        ahead: deque[_Reading | SkippedObject | Exception] = deque()
        entries = iter(units)
        try:
            while self._begin_next(ahead, entries):
                entry = ahead.popleft()
                if isinstance(entry, Exception):
                    raise entry
                if isinstance(entry, _Reading):
                    try:
                        yield entry.unit, self._blocks(entry)
                    finally:
                        self._drop(entry)
                else:
                    yield entry, iter(())
        finally:
            for entry in ahead:
                if isinstance(entry, _Reading):
                    self._drop(entry)

    def _begin_next(
        self, ahead: deque[_Reading | SkippedObject | Exception], entries: Iterator[Unit | SkippedObject]
    ) -> bool:
        """Begin to read as many units as are wanted; return False after the last one."""
        begun = [entry.unit for entry in ahead if isinstance(entry, _Reading)]
        count, size_bytes = len(begun), sum(map(_size_bytes, begun))
        while not ahead or (count <= self._units and size_bytes < UNITS_AHEAD_BYTES):
            try:
                entry = next(entries, None)
            except Exception as error:  # noqa: BLE001 - raised after the units before it
                ahead.append(error)
                break
            if entry is None:
                break
            if isinstance(entry, Unit):
                count, size_bytes = count + 1, size_bytes + _size_bytes(entry)
                ahead.append(self._begin(entry))
            else:
                ahead.append(entry)
        return bool(ahead)

    def _begin(self, unit: Unit) -> _Reading:
        reading = _Reading(unit, self._lock)
        with self._lock:
            self._waiting.append(reading)
            self._work.notify()
        if len(self._threads) <= self._units:
            thread = threading.Thread(target=self._read_waiting, name="read ahead", daemon=True)
            thread.start()
            self._threads.append(thread)  # after the start: Ctrl-C can come between the two
        return reading

    def _blocks(self, reading: _Reading) -> Iterator[LineBlock | BlockResult | object]:
        with self._lock:
            self._current = reading
        while True:
            with self._lock:
                is_slow = not self._news.wait_for(reading.has_news, SLOW_SECONDS)
            if is_slow:
                yield SOURCE_IS_SLOW
            with self._lock:
                self._news.wait_for(reading.has_news)
                if not reading.blocks:
                    break
                block = reading.blocks.popleft()
                reading.size_bytes -= _block_bytes(block)
                reading.room.notify()
            yield block
        if reading.error:
            raise reading.error

    def _drop(self, reading: _Reading) -> None:
        """End the reading of a unit whose blocks are not wanted any more."""
        with self._lock:
            reading.dropped = True
            reading.room.notify()

    def _read_waiting(self) -> None:
        """Read one unit after the other until the end of the run, in a thread of its own."""
        # Only the main thread handles signals, and only a signal that it receives itself wakes it up.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        while True:
            with self._lock:
                self._work.wait_for(lambda: self._waiting or self._stopped)
                if self._stopped:
                    return
                reading = self._waiting.popleft()
            try:
                self._read_unit(reading)
            except Exception as error:  # noqa: BLE001 - raised where the blocks end
                reading.error = error
            with self._lock:
                reading.ended = True
                self._tell(reading)

    def _read_unit(self, reading: _Reading) -> None:
        with closing(self._read(reading.unit)) as blocks:
            for block in blocks:
                size_bytes = _block_bytes(block)
                with self._lock:
                    while not reading.has_room(size_bytes):
                        reading.room.wait()
                    if reading.dropped:
                        return
                    reading.blocks.append(block)
                    reading.size_bytes += size_bytes
                    self._tell(reading)

    def _tell(self, reading: _Reading) -> None:
        if reading is self._current:
            self._news.notify()


def units_ahead(options: Options) -> int:
    """Return the number of units to read besides the current one.

    Local files have no delay. One process keeps two workers busy without threads, which only take CPU time. Measured
    with one ``.gz`` of 370 MB and two workers on two cores, beyond the start-up: 5.2 s without threads, and 5.5 s with
    two units ahead. Only threads notice that standard input is slow.
    """
    if options.source.is_remote:
        return options.read_ahead
    without_threads = 1 if options.source.provider == "STDIN" else WORKERS_WITHOUT_THREADS
    return 0 if options.workers <= without_threads else min(options.read_ahead, options.workers)


def _size_bytes(unit: Unit) -> int:
    end = unit.object.size_bytes if unit.end is None else unit.end
    return UNITS_AHEAD_BYTES if end is None else max(0, end - unit.start)


def _block_bytes(block: LineBlock | BlockResult) -> int:
    return block.end_offset - block.start if isinstance(block, LineBlock) else 0
