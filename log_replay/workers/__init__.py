"""Blocks -> results, in order: in this process, or in spawned ones that are given whole blocks.

Spawned, since a forked process would share its parent's database connections, and chdb hangs in one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self, TypeAlias

import structlog

from log_replay.errors import ReadError
from log_replay.lines import lines_of
from log_replay.records import BlockResult, Counters, LineBlock, Position, Rejected
from log_replay.workers.parcels import pack_result, unpack_result

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

    from log_replay.options import Options
    from log_replay.workers.parcels import ResultParcel

    Make: TypeAlias = Callable[[LineBlock], BlockResult]
    Mark: TypeAlias = object

log = structlog.get_logger(__name__)

#: Blocks under way beside those that are being worked on: enough to keep every worker busy, few enough to be held.
BLOCKS_AHEAD = 2
WORKER_DIED = "worker_died"


def results_in_order(
    items: Iterable[LineBlock | Mark],
    options: Options,
    open_maker: Callable[[Options], AbstractContextManager[Make]],
    workers: int,
) -> Generator[BlockResult | Mark, None, None]:
    """Yield each block's result in the place of the block; whatever else is among them passes through.

    Args:
        items: blocks of lines, and marks between them.
        options: the run's.
        open_maker: opens what makes a block's result; a function of a module, which spawned processes can import.
        workers: how many processes; with one it is this one.

    Raises:
        Exception: whatever making a result raises.
    """
    if workers == 1:
        with open_maker(options) as make:
            for item in items:
                yield make(item) if isinstance(item, LineBlock) else item
        return
    with Pool(options, open_maker, workers) as pool:
        yield from pool.results(items)


class Pool:
    """A pool of workers that survives the death of any of them.

    The blocks that were under way when a worker died are made again in fresh ones; a block that kills its worker a
    second time, all by itself, is given up: its lines are rejected as ``worker_died`` and its object has failed.
    """

    def __init__(
        self, options: Options, open_maker: Callable[[Options], AbstractContextManager[Make]], workers: int
    ) -> None:
        self._arguments = (open_maker.__module__, open_maker.__qualname__, options)
        self._workers = workers
        self._waiting: deque[tuple[LineBlock | Mark, Future[ResultParcel] | None]] = deque()
        self._executor = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end()

    def results(self, items: Iterable[LineBlock | Mark]) -> Iterator[BlockResult | Mark]:
        """Yield the results of blocks, and the marks between them, in order."""
        under_way = 0
        for item in items:
            self._waiting.append((item, self._submit(item)))
            under_way += isinstance(item, LineBlock)
            while under_way > self._workers + BLOCKS_AHEAD or (self._waiting and self._waiting[0][1] is None):
                under_way -= self._waiting[0][1] is not None
                yield from self._next()
        while self._waiting:
            yield from self._next()

    def _next(self) -> Iterator[BlockResult | Mark]:
        item, future = self._waiting.popleft()
        if future is None:
            yield item
            return
        assert isinstance(item, LineBlock)  # noqa: S101 - for the type checker: only blocks have futures
        try:
            yield unpack_result(future.result())
        except BrokenExecutor:
            log.warning("a worker died; its blocks are made again", object=item.object, offset=item.start)
            yield from self._make_again(item)

    def _make_again(self, block: LineBlock) -> Iterator[BlockResult | Mark]:
        self._restart()
        try:
            yield unpack_result(self._executor.submit(_make, block).result())
        except BrokenExecutor:
            self._restart()
            yield given_up(block)
            yield WorkerDied(block.object, block.start)
        self._waiting = deque((item, self._submit(item)) for item, _ in self._waiting)

    def _submit(self, item: LineBlock | Mark) -> Future[ResultParcel] | None:
        return self._executor.submit(_make, item) if isinstance(item, LineBlock) else None

    def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, context, initializer=_begin, initargs=self._arguments)

    def _restart(self) -> None:
        self._end()
        self._executor = self._start()

    def _end(self) -> None:
        """End every worker at once: whatever they still do is not wanted any more."""
        processes = list((self._executor._processes or {}).values())  # noqa: SLF001 - Python 3.14 has kill_workers
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()


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
    offsets = sorted([*lines_of(block)[1], *block.oversized])
    return BlockResult(
        block.object,
        block.end_offset,
        Counters(lines=len(offsets), unparsable=len(offsets)),
        rejects=[Rejected(Position(block.object, offset), WORKER_DIED, unparsable=True) for offset in offsets],
    )


_life = ExitStack()
_maker: list[Make] = []


def _begin(module: str, function: str, options: Options) -> None:
    """Set up a worker: Django first, since what it makes statements with cannot be imported without."""
    # Ctrl-C reaches the whole group of processes; it is the parent who says what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    import django  # noqa: PLC0415 - only in workers
    from django.apps import apps  # noqa: PLC0415 - likewise

    if not apps.ready:
        django.setup()
    from importlib import import_module  # noqa: PLC0415 - likewise

    from log_replay.logs import configure_own_log  # noqa: PLC0415 - likewise

    configure_own_log()
    open_maker = getattr(import_module(module), function)
    _maker.append(_life.enter_context(open_maker(options)))


def _end_with_parent() -> None:
    """End this worker when its parent does: one that was killed could not tell it to."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _make(block: LineBlock) -> ResultParcel:
    return pack_result(_maker[0](block))
