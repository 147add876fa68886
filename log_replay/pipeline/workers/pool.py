"""Transform blocks of lines in order, in this process or in a pool of worker processes.

Measured costs, in microseconds of CPU a line, where one process without workers takes 7 to 9 in all:

- the pool of ``concurrent.futures`` added 4 to 6: 1.6 for its two threads in the parent, the rest for copies and for
  pipes of 64 KB with a switch between processes each;
- pickling statements one by one added 1.3 in the parent;
- shared buffers, and one text for all statements of a block, add 0.4 together, most of it for ids and timestamps.

With three blocks for each worker, a process waited for another one in about 5 % of the time; with four, rarely.
"""

from __future__ import annotations

from collections import deque
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias

import structlog

from log_replay.errors import ReadError
from log_replay.pipeline.workers.process import TransformName
from log_replay.pipeline.workers.worker import BLOCKS_PER_WORKER, Worker, WorkerLost
from log_replay.records import BlockResult, Counters, LineBlock, Position, Rejected, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

    from log_replay.pipeline.transform_settings import TransformSettings

    Transform: TypeAlias = Callable[[LineBlock], BlockResult]
    OpenTransform: TypeAlias = Callable[[TransformSettings], AbstractContextManager[Transform]]

#: Anything that is not a block. It passes through in its place.
Mark: TypeAlias = object

log = structlog.get_logger(__name__)

WORKER_DIED = "worker_died"


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
    with Pool(transform_settings, open_transform, workers) as pool:
        yield from pool.results(items)


class InFlight(NamedTuple):
    """A block that was sent to a worker, and the marks that follow the block."""

    block: LineBlock
    worker: Worker
    marks: list[Mark]


class Pool:
    """A pool of worker processes, any of which may die.

    Blocks are sent to the workers in turn, so the next result always comes from the next worker. When a worker dies,
    the pool starts all workers again and repeats the block of the dead worker alone, then the other blocks in flight.
    If the block ends a second worker, its lines are rejected as ``worker_died`` and its object has failed.
    """

    def __init__(self, transform_settings: TransformSettings, open_transform: OpenTransform, workers: int) -> None:
        self._transform_settings = transform_settings
        self._transform = TransformName(open_transform.__module__, open_transform.__qualname__)
        self._worker_count = workers
        self._workers: list[Worker] = []
        self._turns: Iterator[Worker] = iter(())
        self._in_flight: deque[InFlight] = deque()

    def __enter__(self) -> Self:
        self._start()
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
        """Transform a block again, alone; then send the other blocks in flight again."""
        self._restart()
        worker = next(self._turns)
        worker.send(block)
        try:
            results: list[BlockResult | Mark] = [worker.result()]
        except WorkerLost:
            self._restart()
            results = [_rejected(block), WorkerDied(block.object, block.start)]
        in_flight, self._in_flight = self._in_flight, deque()
        for other, _, marks in in_flight:
            self._send(other, marks)
        yield from results

    def _start(self) -> None:
        for _ in range(self._worker_count):
            self._workers.append(Worker(self._transform, self._transform_settings))
        self._turns = cycle(self._workers)

    def _restart(self) -> None:
        self._end()
        self._start()

    def _end(self) -> None:
        for worker in self._workers:
            worker.kill()
        while self._workers:
            self._workers.pop().close()


class WorkerDied(ReadError):
    """A block ended every worker that it was sent to."""

    def __init__(self, object: str, offset: int) -> None:  # noqa: A002 - the field's own term
        super().__init__(
            "the worker process died twice at this block",
            operation="transform",
            object=object,
            offset=offset,
            hint="out of memory? try fewer --workers",
        )


def _rejected(block: LineBlock) -> BlockResult:
    """Return the result of a block that cannot be transformed: every line is a reject."""
    offsets = sorted([*(offset for _, offset in lines_of(block)), *block.oversized])
    return BlockResult(
        block.object,
        block.end_offset,
        Counters(lines=len(offsets), unparsable=len(offsets)),
        rejects=[Rejected(Position(block.object, offset), WORKER_DIED, unparsable=True) for offset in offsets],
    )
