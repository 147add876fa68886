"""Transform blocks of lines in order, in this process or in a pool of worker processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from log_replay.ledger.splitting import SkippedLines
from log_replay.records import LineBlock, Position, Rejected, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from contextlib import AbstractContextManager

    from log_replay.pipeline.transform_settings import TransformSettings
    from log_replay.records import BlockResult

    Transform: TypeAlias = Callable[[LineBlock], BlockResult]
    OpenTransform: TypeAlias = Callable[[TransformSettings], AbstractContextManager[Transform]]

#: Anything that is not a block. It passes through in its place.
Mark: TypeAlias = object
#: A mark that asks for the results of all blocks before it, because the source has no more data at the moment.
SOURCE_IS_SLOW: Mark = object()

#: The reason in ``--rejects`` for lines at which a worker process died twice, for example for lack of memory.
WORKER_DIED = "worker_died"
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
    from log_replay.pipeline.workers.pool import Pool, usable_workers  # noqa: PLC0415 - slow to import

    with Pool(transform_settings, open_transform, usable_workers(workers)) as pool:
        yield from pool.results(items)


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
