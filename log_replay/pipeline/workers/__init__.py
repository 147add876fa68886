"""Blocks -> results, in order: in this process, or in workers that are given whole blocks.

What measuring taught, in us of CPU a line, of which one process takes 7 to 9: the pool of ``concurrent.futures`` took
4 to 6 more. Its two threads in the parent were 1.6 of them; most of the rest were pipes of 64 KB, with a switch between
processes for each, and copies. Taking statements apart and putting them together took 1.3 in the parent: now a block's
are one text. Blocks and texts are copied into shared memory and used where they lie there, so that as much is copied as
in one process. What is left is 0.4 in all, most of it for a block's ids and times, by columns. A worker three blocks
ahead still waited for the other at times, a twentieth of the time; one that may be four ahead seldom does.
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

    from log_replay.options import Options

    Make: TypeAlias = Callable[[LineBlock], BlockResult]
    Mark: TypeAlias = object

log = structlog.get_logger(__name__)

WORKER_DIED = "worker_died"


def results_in_order(
    items: Iterable[LineBlock | Mark],
    options: Options,
    open_transform: Callable[[Options], AbstractContextManager[Make]],
    workers: int,
) -> Generator[BlockResult | Mark, None, None]:
    """Yield each block's result in the place of the block; whatever else is among them passes through.

    Args:
        items: blocks of lines, and marks between them.
        options: the run's.
        open_transform: opens what makes a block's result; a function of a module, which spawned processes can import.
        workers: how many processes; with one it is this one.

    Raises:
        Exception: whatever making a result raises.
    """
    if workers == 1:
        with open_transform(options) as make:
            for item in items:
                yield make(item) if isinstance(item, LineBlock) else item
        return
    with Pool(options, open_transform, workers) as pool:
        yield from pool.results(items)


class Given(NamedTuple):
    """A block, the worker that it was given to, and the marks that stand behind it."""

    block: LineBlock
    worker: Worker
    marks: list[Mark]


class Pool:
    """Workers, of which any may die.

    Blocks are dealt to them in turn, so that the next result is always that of the worker whose turn it is. The blocks
    that were under way when a worker died are made again in fresh ones; a block that kills its worker a second time,
    all by itself, is given up: its lines are rejected as ``worker_died`` and its object has failed.
    """

    def __init__(
        self, options: Options, open_transform: Callable[[Options], AbstractContextManager[Make]], workers: int
    ) -> None:
        self._options = options
        self._maker = TransformName(open_transform.__module__, open_transform.__qualname__)
        self._capacity = workers * BLOCKS_PER_WORKER
        self._workers: list[Worker] = []
        self._turns: Iterator[Worker] = iter(())
        self._given: deque[Given] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end()

    def results(self, items: Iterable[LineBlock | Mark]) -> Iterator[BlockResult | Mark]:
        """Yield the results of blocks, and the marks between them, in order."""
        self._start()
        for item in items:
            if isinstance(item, LineBlock):
                if len(self._given) == self._capacity:
                    yield from self._next()
                self._give(item, [])
            elif self._given:
                self._given[-1].marks.append(item)
            else:
                yield item
        while self._given:
            yield from self._next()

    def _give(self, block: LineBlock, marks: list[Mark]) -> None:
        worker = next(self._turns)
        worker.give(block)
        self._given.append(Given(block, worker, marks))

    def _next(self) -> Iterator[BlockResult | Mark]:
        block, worker, marks = self._given.popleft()
        try:
            result = worker.result()
        except WorkerLost:
            log.warning("a worker died; its blocks are made again", object=block.object, offset=block.start)
            yield from self._make_again(block)
        else:
            yield result
        yield from marks

    def _make_again(self, block: LineBlock) -> Iterator[BlockResult | Mark]:
        """Make a block all by itself; only then all that were under way beside it."""
        self._restart()
        worker = next(self._turns)
        worker.give(block)
        try:
            results: list[BlockResult | Mark] = [worker.result()]
        except WorkerLost:
            self._restart()
            results = [given_up(block), WorkerDied(block.object, block.start)]
        given, self._given = self._given, deque()
        for other, _, marks in given:
            self._give(other, marks)
        yield from results

    def _start(self) -> None:
        for _ in range(self._capacity // BLOCKS_PER_WORKER):
            self._workers.append(Worker(self._maker, self._options))
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
    """A block kills every worker that it is given to."""

    def __init__(self, object: str, offset: int) -> None:  # noqa: A002 - the field's own term
        super().__init__(
            "the worker that was making its statements died, twice",
            operation="transform",
            object=object,
            offset=offset,
            hint="out of memory? try fewer --workers",
        )


def given_up(block: LineBlock) -> BlockResult:
    """Return the result of a block that could not be made: every line is a reject."""
    offsets = sorted([*(offset for _, offset in lines_of(block)), *block.oversized])
    return BlockResult(
        block.object,
        block.end_offset,
        Counters(lines=len(offsets), unparsable=len(offsets)),
        rejects=[Rejected(Position(block.object, offset), WORKER_DIED, unparsable=True) for offset in offsets],
    )
