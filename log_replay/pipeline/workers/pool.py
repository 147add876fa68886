"""Transform blocks of lines in order, in this process or in a pool of worker processes.

Measured costs, in microseconds of CPU a line, where one process without workers takes 7 to 9 in all:

- the pool of ``concurrent.futures`` added 4 to 6: 1.6 for its two threads in the parent, the rest for copies and for
  pipes of 64 KB with a switch between processes each;
- pickling statements one by one added 1.3 in the parent;
- shared buffers, and one text for all statements of a block, add 0.4 together, most of it for ids and timestamps.

With three blocks for each worker, a process waited for another one in about 5 % of the time; with four, rarely.
"""

from __future__ import annotations

import os
from collections import deque
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias

import structlog

from log_replay.errors import ConfigurationError, LogReplayError
from log_replay.ledger.splitting import SkippedLines
from log_replay.pipeline.lines import split_block
from log_replay.pipeline.workers.process import TransformName
from log_replay.pipeline.workers.worker import BLOCKS_PER_WORKER, Worker, WorkerLost
from log_replay.records import BlockResult, LineBlock, Position, Rejected, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

    from log_replay.pipeline.transform_settings import TransformSettings

    Transform: TypeAlias = Callable[[LineBlock], BlockResult]
    OpenTransform: TypeAlias = Callable[[TransformSettings], AbstractContextManager[Transform]]

#: Anything that is not a block. It passes through in its place.
Mark: TypeAlias = object

log = structlog.get_logger(__name__)

#: The reason in ``--rejects`` for lines at which a worker process died twice, for example for lack of memory.
WORKER_DIED = "worker_died"
#: A block that ended a worker is repeated in this number of smaller blocks.
PARTS = 16
#: More workers than this for each core only take memory. The limit is never less than LEAST_LIMIT.
WORKERS_PER_CORE, LEAST_LIMIT = 4, 8
FEWER_WORKERS = "use fewer --workers"


def results_in_order(
    items: Iterable[LineBlock | Mark],
    transform_settings: TransformSettings,
    open_transform: OpenTransform,
    workers: int,
) -> Generator[BlockResult | Mark, None, None]:
    """Yield the result of each block in the place of the block, and marks as they are.

    Args:
        items: blocks of lines, with marks between them.
        transform_settings: the argument of ``open_transform``.
        open_transform: opens the function that transforms a block. Workers import it by its name.
        workers: the number of processes; 1 means this process.

    Raises:
        Exception: any error of the transform.
    """
    if workers == 1:
        with open_transform(transform_settings) as transform:
            for item in items:
                yield transform(item) if isinstance(item, LineBlock) else item
        return
    with Pool(transform_settings, open_transform, usable_workers(workers)) as pool:
        yield from pool.results(items)


class InFlight(NamedTuple):
    """A block that was sent to a worker, and the marks that follow the block."""

    block: LineBlock
    worker: Worker
    marks: list[Mark]


class Pool:
    """A pool of worker processes, any of which may die.

    Blocks are sent to the workers in turn, so the next result always comes from the next worker. When a worker dies,
    the pool starts all workers again. It repeats the block of the dead worker in smaller blocks, each of them alone,
    and then the other blocks in flight. A smaller block that ends its worker again is skipped: ``WorkerDied`` takes its
    place.
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
        for item in items:
            if isinstance(item, LineBlock):
                if len(self._in_flight) == self._worker_count * BLOCKS_PER_WORKER:
                    yield from self._next_result()
                self._send(item, [])
            elif self._in_flight:
                self._in_flight[-1].marks.append(item)
            else:
                yield item
        while self._in_flight:
            yield from self._next_result()

    def _send(self, block: LineBlock, marks: list[Mark]) -> None:
        worker = next(self._turns)
        worker.send(block)
        self._in_flight.append(InFlight(block, worker, marks))

    def _next_result(self) -> Iterator[BlockResult | Mark]:
        block, worker, marks = self._in_flight.popleft()
        try:
            result = worker.result()
        except WorkerLost:
            log.warning("a worker died; its blocks are transformed again", object=block.object, offset=block.start)
            yield from self._repeat(block)
        else:
            yield result
        yield from marks

    def _repeat(self, block: LineBlock) -> Iterator[BlockResult | Mark]:
        """Transform a block again in smaller blocks; then send the other blocks in flight again."""
        self._restart()
        for part in split_block(block, PARTS):
            # A result is valid until its worker receives the next block.
            yield self._transform_alone(part)
        in_flight, self._in_flight = self._in_flight, deque()
        for other, _, marks in in_flight:
            self._send(other, marks)

    def _transform_alone(self, block: LineBlock) -> BlockResult | Mark:
        worker = next(self._turns)
        worker.send(block)
        try:
            return worker.result()
        except WorkerLost as lost:
            if lost.while_starting:
                raise WorkersUnavailable(str(lost), operation="start workers", hint=FEWER_WORKERS) from None
            self._restart()
            return WorkerDied(block)

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


class WorkerDied(SkippedLines):
    """A block ended every worker that it was sent to. It is skipped."""

    def __init__(self, block: LineBlock) -> None:
        lines = sorted([*(offset for _, offset in lines_of(block)), *block.oversized])
        super().__init__(
            f"the worker process died twice at this block (lines: {len(lines)})",
            object=block.object,
            begin=block.start,
            end=block.end_offset,
            lines=lines,
            hint=f"out of memory? {FEWER_WORKERS}",
        )

    @property
    def rejects(self) -> list[Rejected]:
        """An entry of ``--rejects`` for each line, for runs that cannot be resumed."""
        return [Rejected(Position(str(self.object), offset), WORKER_DIED, unparsable=True) for offset in self.lines]


class WorkersUnavailable(LogReplayError):
    """Worker processes cannot be started."""


def usable_workers(workers: int) -> int:
    """Return a number of workers that this machine can use."""
    most = max(LEAST_LIMIT, WORKERS_PER_CORE * (os.cpu_count() or 1))
    if workers > most:
        log.warning("--workers is more than this machine can use", given=workers, used=most)
    return min(workers, most)
