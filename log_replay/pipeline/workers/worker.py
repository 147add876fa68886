"""One worker from the point of view of its parent: a process, and the shared buffers for its blocks.

The process is spawned. A forked process would share the database connections of its parent, and chdb hangs in one.
"""

from __future__ import annotations

import multiprocessing
import signal
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import cycle
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

from log_replay.pipeline.workers.codec import pack_blocks, unpack_results
from log_replay.pipeline.workers.numbers_pipe import NumbersPipe
from log_replay.pipeline.workers.process import run_worker
from log_replay.pipeline.workers.shared_buffer import SharedBuffer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from log_replay.pipeline.transform_settings import TransformSettings
    from log_replay.pipeline.workers.process import TransformName
    from log_replay.records import BlockResult, LineBlock

#: The number of bundles of blocks that one worker may have before the results of the first are read. With four, a run
#: takes up to 5 % longer; with sixteen, as long.
BUNDLES_PER_WORKER = 8


class WorkerLost(Exception):
    """The worker died before it sent the results.

    Args:
        exit_code: the exit code of the process, or the negative number of the signal that killed it.
        while_starting: True if it died before it could transform anything.
    """

    def __init__(self, exit_code: int | None, *, while_starting: bool) -> None:
        how = f"exit code {exit_code}"
        if exit_code is not None and exit_code < 0:
            how = f"killed by {signal.Signals(-exit_code).name}"
        super().__init__(f"a worker process ended while it {'started' if while_starting else 'worked'} ({how})")
        self.while_starting = while_starting


class Worker:
    """A process that transforms blocks in the order in which they are sent.

    Blocks and results travel in shared buffers. The pipe carries only one number for each, and never fills up. So
    neither process waits for the other one to read, and no thread is needed.
    """

    def __init__(self, transform: TransformName, transform_settings: TransformSettings) -> None:
        context = multiprocessing.get_context("spawn")
        self._ready = False
        with ExitStack() as on_error:
            self._buffers = [on_error.enter_context(closing(SharedBuffer())) for _ in range(BUNDLES_PER_WORKER)]
            connection, child_connection = map(on_error.enter_context, context.Pipe())
            self._pipe = NumbersPipe(connection)
            arguments = (child_connection, self._buffers, transform, transform_settings)
            self._process = context.Process(target=run_worker, args=arguments, name="log-replay worker", daemon=True)
            with _interrupts_blocked():
                self._process.start()
            on_error.pop_all()
        child_connection.close()
        self._next_to_write, self._next_to_read = cycle(self._buffers), cycle(self._buffers)

    def send(self, blocks: Sequence[LineBlock]) -> None:
        """Send a bundle of blocks to the worker, which may have ``BUNDLES_PER_WORKER`` of them."""
        head_bytes = next(self._next_to_write).write(*pack_blocks(blocks))
        with suppress(OSError):  # the worker is dead: results() raises WorkerLost
            self._pipe.send(head_bytes)

    @property
    def has_results(self) -> bool:
        """True if it is certain that ``results`` does not wait."""
        return self._ready and self._pipe.has_number()

    def results(self) -> Sequence[BlockResult]:
        """Wait for the results of the earliest bundle without results, and return them.

        Raises:
            WorkerLost: the worker died.
            Exception: any error of the transform.
        """
        if not self._ready:
            self._receive()
            self._ready = True
        return unpack_results(*next(self._next_to_read).read(self._receive()))

    def _receive(self) -> int:
        """Return the next number: READY, or the one that the buffer needs. An error of the transform is raised."""
        try:
            number = self._pipe.receive()
        except MemoryError:
            number = None
        if number is None:
            self._process.join()
            raise WorkerLost(self._process.exitcode, while_starting=not self._ready)
        return number

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """Wait for the end of a killed process, and free everything that was shared with it."""
        self._process.join()
        self._process.close()
        self._pipe.close()
        for buffer in self._buffers:
            buffer.close()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block SIGINT, so that a process that is started meanwhile ignores Ctrl-C from its first instruction.

    A terminal sends SIGINT to the whole process group. This process receives it as soon as it is unblocked.
    """
    resource_tracker.ensure_running()  # starting it later would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
