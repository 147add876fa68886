"""Transform blocks of lines in a pool of worker processes.

Measured costs, in microseconds of CPU a line, where one process without workers takes 2 in all:

- the pool of ``concurrent.futures`` added 4 to 6: 1.6 for its two threads in the parent, the rest for copies and for
  pipes of 64 KB with a switch between processes each;
- pickling statements one by one added 1.3 in the parent;
- shared buffers, and one text for all statements of a block, added 0.4 together, half of it to pack events in Python;
- with C code that packs events, and a pipe that carries numbers, they add 0.2. Two busy cores also take 0.2 more than
  one, since they share memory and caches: so do two processes that know nothing of each other.

Small blocks, such as those of small objects, are sent together in bundles: a message takes as long as 20 lines.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple, Self

import structlog

from log_replay.errors import ConfigurationError, LogReplayError
from log_replay.pipeline.lines import BLOCK_BYTES, split_block
from log_replay.pipeline.workers.process import TransformName
from log_replay.pipeline.workers.results import FEWER_WORKERS, SOURCE_IS_SLOW, WorkerDied
from log_replay.pipeline.workers.worker import BUNDLES_PER_WORKER, Worker, WorkerLost
from log_replay.records import LineBlock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from log_replay.pipeline.transform_settings import TransformSettings
    from log_replay.pipeline.workers.results import Mark, OpenTransform
    from log_replay.records import BlockResult

log = structlog.get_logger(__name__)

#: A block that ended a worker is repeated in this number of smaller blocks.
PARTS = 16
#: A bundle is sent when it has reached this size, or this number of blocks.
BUNDLE_BYTES, BUNDLE_BLOCKS = BLOCK_BYTES // 2, 64
#: More workers than this for each core only take memory. The limit is never less than LEAST_LIMIT.
WORKERS_PER_CORE, LEAST_LIMIT = 4, 8


@dataclass(eq=False)
class Bundle:
    """Successive blocks that are sent to a worker together, each with the marks that follow it."""

    blocks: list[LineBlock] = field(default_factory=list)
    marks: list[list[Mark]] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, block: LineBlock) -> None:
        """Add a block."""
        self.blocks.append(block)
        self.marks.append([])
        self.size_bytes += block.end_offset - block.start

    @property
    def is_full(self) -> bool:
        """True if the bundle is worth a message."""
        return self.size_bytes >= BUNDLE_BYTES or len(self.blocks) >= BUNDLE_BLOCKS


class InFlight(NamedTuple):
    """A bundle, and the worker that it was sent to."""

    bundle: Bundle
    worker: Worker


class Pool:
    """A pool of worker processes, any of which may die.

    Bundles are sent to the workers in turn, so the next results always come from the next worker. When a worker dies,
    the pool starts all workers again. It repeats each block of the dead worker's bundle alone, and then the other
    bundles in flight. A block that has ended a worker alone is repeated in smaller blocks. A smaller block that ends
    its worker is skipped: ``WorkerDied`` takes its place.
    """

    def __init__(self, transform_settings: TransformSettings, open_transform: OpenTransform, workers: int) -> None:
        self._transform_settings = transform_settings
        self._transform = TransformName(open_transform.__module__, open_transform.__qualname__)
        self._worker_count = workers
        self._workers: list[Worker] = []
        self._turns: Iterator[Worker] = iter(())
        self._in_flight: deque[InFlight] = deque()

    def __enter__(self) -> Self:
        try:
            self._start()
        except WorkersUnavailable as error:
            raise ConfigurationError(error.message, operation=error.operation, hint=error.hint) from error
        except BaseException:  # Ctrl-C
            self._end()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end()

    def results(self, items: Iterable[LineBlock | Mark]) -> Iterator[BlockResult | Mark]:
        """Yield the results of blocks, and the marks between them, in order."""
        bundle = Bundle()
        for item in items:
            if isinstance(item, LineBlock):
                bundle.add(item)
                if bundle.is_full:
                    yield from self._send(bundle)
                    bundle = Bundle()
            elif item is SOURCE_IS_SLOW:
                yield from self._send(bundle)
                bundle = Bundle()
                yield from self._all_results()
            elif bundle.blocks:
                bundle.marks[-1].append(item)
            elif self._in_flight:
                self._in_flight[-1].bundle.marks[-1].append(item)
            else:
                yield item
        yield from self._send(bundle)
        yield from self._all_results()

    def _send(self, bundle: Bundle) -> Iterator[BlockResult | Mark]:
        """Send a bundle to the next worker, after results that make room for it, and hand out results that are ready.

        Results are valid until their worker receives the next bundle.
        """
        if not bundle.blocks:
            return
        if len(self._in_flight) == self._worker_count * BUNDLES_PER_WORKER:
            yield from self._next_results()
        self._send_to_next(bundle)
        while self._in_flight and self._in_flight[0].worker.has_results:
            yield from self._next_results()

    def _send_to_next(self, bundle: Bundle) -> None:
        worker = next(self._turns)
        worker.send(bundle.blocks)
        self._in_flight.append(InFlight(bundle, worker))

    def _all_results(self) -> Iterator[BlockResult | Mark]:
        while self._in_flight:
            yield from self._next_results()

    def _next_results(self) -> Iterator[BlockResult | Mark]:
        bundle, worker = self._in_flight.popleft()
        try:
            results = worker.results()
        except WorkerLost:
            first = bundle.blocks[0]
            log.warning("a worker died; its blocks are transformed again", object=first.object, offset=first.start)
            yield from self._repeat(bundle)
        else:
            for result, marks in zip(results, bundle.marks, strict=True):
                yield result
                yield from marks

    def _repeat(self, bundle: Bundle) -> Iterator[BlockResult | Mark]:
        """Transform the blocks of a bundle again, one at a time; then send the other bundles in flight again."""
        self._restart()
        for block, marks in zip(bundle.blocks, bundle.marks, strict=True):
            yield from self._repeat_block(block, in_parts=len(bundle.blocks) == 1)
            yield from marks
        in_flight, self._in_flight = self._in_flight, deque()
        for other, _ in in_flight:
            self._send_to_next(other)

    def _repeat_block(self, block: LineBlock, *, in_parts: bool) -> Iterator[BlockResult | Mark]:
        """Transform a block alone, and in smaller blocks if that ends the worker."""
        if not in_parts:
            with suppress(WorkerLost):
                yield self._transform_alone(block)
                return
        for part in split_block(block, PARTS):
            try:
                yield self._transform_alone(part)
            except WorkerLost:
                yield WorkerDied(part)

    def _transform_alone(self, block: LineBlock) -> BlockResult:
        """Return the result of a block.

        Raises:
            WorkerLost: the worker died. All workers were started again.
            WorkersUnavailable: no worker can be started.
        """
        worker = next(self._turns)
        worker.send([block])
        try:
            return worker.results()[0]
        except WorkerLost as lost:
            if lost.while_starting:
                raise WorkersUnavailable(str(lost), operation="start workers", hint=FEWER_WORKERS) from None
            self._restart()
            raise

    def _start(self) -> None:
        try:
            for _ in range(self._worker_count):
                self._workers.append(Worker(self._transform, self._transform_settings))
        except (OSError, MemoryError) as error:
            self._end()
            reason = (error.strerror if isinstance(error, OSError) else None) or "not enough memory"
            raise WorkersUnavailable(reason, operation="start workers", hint=FEWER_WORKERS) from error
        self._turns = cycle(self._workers)

    def _restart(self) -> None:
        self._end()
        self._start()

    def _end(self) -> None:
        for worker in self._workers:
            worker.kill()
        while self._workers:
            self._workers.pop().close()


class WorkersUnavailable(LogReplayError):
    """Worker processes cannot be started."""


def usable_workers(workers: int) -> int:
    """Return a number of workers that this machine can use."""
    most = max(LEAST_LIMIT, WORKERS_PER_CORE * (os.cpu_count() or 1))
    if workers > most:
        log.warning("--workers is more than this machine can use", given=workers, used=most)
    return min(workers, most)
