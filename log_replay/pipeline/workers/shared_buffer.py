"""Shared memory for sending a block to a worker and its result back."""

from __future__ import annotations

import mmap
import os
import pickle
import sys
import tempfile
from contextlib import suppress
from multiprocessing.reduction import DupFd
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.records import Text

#: The size of a buffer that holds an ordinary block or result. Only the part in use takes memory.
BUFFER_BYTES = 4 << 20


class SharedBuffer:
    """Memory that one process writes and another one reads.

    The buffer does not synchronise them: the writer sends the number that ``write`` returns by other means.
    """

    def __init__(self) -> None:
        self._fd = _anonymous_file()
        self._map = self._resized(BUFFER_BYTES)
        self._view = memoryview(b"")

    def __getstate__(self) -> Any:
        return DupFd(self._fd)

    def __setstate__(self, fd: Any) -> None:
        self._fd = fd.detach()
        self._map = mmap.mmap(self._fd, 0)
        self._view = memoryview(b"")

    @property
    def size_bytes(self) -> int:
        """The current size of the buffer."""
        return self._map.size()

    def write(self, head: object, pieces: Sequence[Text]) -> int:
        """Write a small object, which is pickled, and pieces of large bytes, which are not.

        Returns:
            The number that ``read`` needs.
        """
        self._view.release()
        text_bytes = sum(map(len, pieces))
        pickled = pickle.dumps((head, text_bytes), pickle.HIGHEST_PROTOCOL)
        size = max(BUFFER_BYTES, len(pickled) + text_bytes)
        if size != len(self._map):
            self._map = self._resized(size)
        self._map.seek(0)
        self._map.write(pickled)
        for piece in pieces:
            self._map.write(piece)
        return len(pickled)

    def read(self, head_bytes: int) -> tuple[Any, memoryview]:
        """Return a copy of the small object, and the large bytes without a copy.

        The bytes are valid until the next ``write``. After that, every use of them raises ValueError.
        """
        if self.size_bytes != len(self._map):
            self._map = mmap.mmap(self._fd, 0)
        with memoryview(self._map) as view:
            head, text_bytes = pickle.loads(view[:head_bytes])  # noqa: S301 - written by our own processes
            self._view = view[head_bytes : head_bytes + text_bytes]
        return head, self._view

    def close(self) -> None:
        """Free the memory in this process; the other one may still use it."""
        self._view.release()
        with suppress(BufferError):  # the traceback of an error can still refer to the memory
            self._map.close()
        os.close(self._fd)

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
