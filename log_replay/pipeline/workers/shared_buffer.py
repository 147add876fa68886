"""Shared memory for sending blocks to a worker and their results back."""

from __future__ import annotations

import mmap
import os
import pickle
import sys
import tempfile
from contextlib import suppress
from itertools import accumulate, chain, pairwise
from multiprocessing.reduction import DupFd
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.records import Text

#: The size of a buffer that holds ordinary blocks or results. Only the part in use takes memory.
BUFFER_BYTES = 4 << 20


class SharedBuffer:
    """Memory that one process writes and another one reads.

    The buffer does not synchronise them: the writer sends the number that ``write`` returns by other means.
    """

    def __init__(self) -> None:
        self._fd = _anonymous_file()
        self._map = self._resized(BUFFER_BYTES)
        self._views: list[memoryview] = []

    def __getstate__(self) -> Any:
        return DupFd(self._fd)

    def __setstate__(self, fd: Any) -> None:
        self._fd = fd.detach()
        self._map = mmap.mmap(self._fd, 0)
        self._views = []

    @property
    def size_bytes(self) -> int:
        """The current size of the buffer."""
        return self._map.size()

    def write(self, head: object, texts: Sequence[Sequence[Text]]) -> int:
        """Write a small object, which is pickled, and large texts, which are not. Each text is given in pieces.

        Returns:
            The number that ``read`` needs.
        """
        self._release_views()
        sizes = [sum(map(len, pieces)) for pieces in texts]
        pickled = pickle.dumps((head, sizes), pickle.HIGHEST_PROTOCOL)
        size = max(BUFFER_BYTES, len(pickled) + sum(sizes))
        if size != len(self._map):
            self._map = self._resized(size)
        self._map.seek(0)
        self._map.write(pickled)
        for piece in chain.from_iterable(texts):
            self._map.write(piece)
        return len(pickled)

    def read(self, head_bytes: int) -> tuple[Any, list[memoryview]]:
        """Return a copy of the small object, and the large texts without a copy.

        The bytes are valid until the next ``write``. After that, every use of them raises ValueError.
        """
        if self.size_bytes != len(self._map):
            self._map = mmap.mmap(self._fd, 0)
        with memoryview(self._map) as view:
            head, sizes = pickle.loads(view[:head_bytes])  # noqa: S301 - written by our own processes
            ends = accumulate(sizes, initial=head_bytes)
            self._views = [view[begin:end] for begin, end in pairwise(ends)]
        return head, self._views

    def close(self) -> None:
        """Free the memory in this process; the other one may still use it."""
        self._release_views()
        with suppress(BufferError):  # the traceback of an error can still refer to the memory
            self._map.close()
        os.close(self._fd)

    def _release_views(self) -> None:
        for view in self._views:
            view.release()
        self._views = []

    def _resized(self, size: int) -> mmap.mmap:
        os.ftruncate(self._fd, size)
        return mmap.mmap(self._fd, size)


def _anonymous_file() -> int:
    # Not in /dev/shm, which is small in containers.
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox can forbid it
            return os.memfd_create("log-replay")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
