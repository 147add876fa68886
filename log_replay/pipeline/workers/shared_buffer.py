"""Memory that the parent and one worker share: a block goes out in it, and its result comes back in it."""

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

#: How much of a buffer is there at all times, of which only what is used takes memory: a block and its result fit.
TRAY_BYTES = 4 << 20


class SharedBuffer:
    """What is put in by one process is taken out by the other, who is told by other means that it is there."""

    def __init__(self) -> None:
        self._fd = _nameless_file()
        self._map = self._resized(TRAY_BYTES)
        self._taken = memoryview(b"")

    def __getstate__(self) -> Any:
        return DupFd(self._fd)

    def __setstate__(self, fd: Any) -> None:
        self._fd = fd.detach()
        self._map = mmap.mmap(self._fd, 0)
        self._taken = memoryview(b"")

    @property
    def size_bytes(self) -> int:
        """How large the buffer is now."""
        return self._map.size()

    def put(self, head: object, pieces: Sequence[Text]) -> int:
        """Put in a small object, which is pickled, and pieces of large bytes, which are not.

        Returns:
            What ``take`` must know.
        """
        self._taken.release()
        text_bytes = sum(map(len, pieces))
        packed = pickle.dumps((head, text_bytes), pickle.HIGHEST_PROTOCOL)
        size = max(TRAY_BYTES, len(packed) + text_bytes)
        if size != len(self._map):
            self._map = self._resized(size)
        self._map.seek(0)
        self._map.write(packed)
        for piece in pieces:
            self._map.write(piece)
        return len(packed)

    def take(self, packed_bytes: int) -> tuple[Any, memoryview]:
        """Return what was put in: a copy of the small object, and the bytes as they lie here.

        These can be used until the next ``put``, and then raise ValueError: whoever needs them longer copies them.
        """
        if self.size_bytes != len(self._map):
            self._map = mmap.mmap(self._fd, 0)
        with memoryview(self._map) as view:
            head, size = pickle.loads(view[:packed_bytes])  # noqa: S301 - of our own processes
            self._taken = view[packed_bytes : packed_bytes + size]
        return head, self._taken

    def close(self) -> None:
        """Let go of the memory; the other process may still hold it."""
        self._taken.release()
        with suppress(BufferError):  # an error that writing raised still shows what it was to write
            self._map.close()
        os.close(self._fd)

    def _resized(self, size: int) -> mmap.mmap:
        os.ftruncate(self._fd, size)
        return mmap.mmap(self._fd, size)


def _nameless_file() -> int:
    # Not in /dev/shm, which containers have little of.
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it
            return os.memfd_create("log-replay")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
