"""One worker as its parent sees it: a spawned process, and the buffers on which blocks go to it.

Spawned, since a forked process would share its parent's database connections, and chdb hangs in one.
"""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING

from log_replay.pipeline.workers.codec import pack_block, unpack_result
from log_replay.pipeline.workers.process import work
from log_replay.pipeline.workers.shared_buffer import SharedBuffer

if TYPE_CHECKING:
    from log_replay.options import Options
    from log_replay.pipeline.workers.process import TransformName
    from log_replay.records import BlockResult, LineBlock

#: Blocks that a worker may be given before its first result is taken: enough that it never waits for the next, few
#: enough to be held.
BLOCKS_PER_WORKER = 4


class WorkerLost(Exception):
    """The worker died over the block whose result is asked for."""


class Worker:
    """A process that makes results of blocks, in the order in which they are given to it.

    It is told by single numbers, far fewer than a pipe holds, what is in which buffer. So neither ever waits for the
    other to read, and no thread is needed.
    """

    def __init__(self, maker: TransformName, options: Options) -> None:
        context = multiprocessing.get_context("spawn")
        self._buffers = [SharedBuffer() for _ in range(BLOCKS_PER_WORKER)]
        self._to_fill, self._to_empty = cycle(self._buffers), cycle(self._buffers)
        self._connection, theirs = context.Pipe()
        arguments = (theirs, self._buffers, maker, options)
        self._process = context.Process(target=work, args=arguments, name="log-replay worker", daemon=True)
        self._process.start()
        theirs.close()

    def give(self, block: LineBlock) -> None:
        """Give a block to the worker; it has at most ``BLOCKS_PER_WORKER`` of them."""
        packed = next(self._to_fill).put(*pack_block(block))
        with suppress(OSError):  # it is dead, as whoever asks for the result will find
            self._connection.send(packed)

    def result(self) -> BlockResult:
        """Wait for the result of the block that was given to it first, and return it.

        Raises:
            WorkerLost: the worker died over it.
            Exception: whatever making the result raised.
        """
        try:
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise WorkerLost from None
        if isinstance(answer, Exception):
            raise answer
        return unpack_result(*next(self._to_empty).take(answer))

    def kill(self) -> None:
        """End it at once: whatever it still does is not wanted any more."""
        self._process.kill()

    def close(self) -> None:
        """Wait for the end of what was killed, and let go of all that was shared with it."""
        self._process.join()
        self._process.close()
        self._connection.close()
        for buffer in self._buffers:
            buffer.close()
