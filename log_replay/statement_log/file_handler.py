"""Statements in a local file, rotated by size; no rotated file is ever overwritten or deleted."""

from __future__ import annotations

import gzip
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.statement_log.line_handler import LineHandler

if TYPE_CHECKING:
    from log_replay.records import Text

#: How much is written before the kernel is told to begin bringing it to the disk, which it would else put off.
WRITE_OUT_BYTES = 8 << 20


class FileHandler(LineHandler):
    """Appends whole lines to a file; one process writes a file.

    Args:
        path: the file; rotated ones stand beside it as ``<path>.000001``, counting up.
        max_bytes: rotate before the file grows beyond this; 0 never does.
        compress: gzip what was rotated.

    Raises:
        ConfigurationError: it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = 0, compress: bool = False) -> None:
        super().__init__()
        self.path = Path(path)
        self.max_bytes = max_bytes
        self.compress = compress
        self._fd = -1
        self._size = self._begun = 0
        if max_bytes:
            self.held_bytes = min(self.held_bytes, max_bytes)
        try:
            self._open()
        except OSError as error:
            raise ConfigurationError(error.strerror or "failed", operation="open", object=str(path)) from error

    def write_lines(self, lines: Text) -> None:
        """Append whole lines.

        Raises:
            DestinationUnavailable: the disk is full, or the file cannot be written for another reason.
        """
        try:
            if self.max_bytes and self._size and self._size + len(lines) > self.max_bytes:
                self._rotate()
            self._append(lines)
        except OSError as error:
            raise DestinationUnavailable(
                error.strerror or "failed", operation="write", object=str(self.path)
            ) from error

    def settle(self) -> int:
        """Make sure that what was written is on the disk; a file loses nothing.

        Raises:
            DestinationUnavailable: it could not be.
        """
        try:
            with self._held():
                os.fsync(self._fd)
        except OSError as error:
            raise DestinationUnavailable(error.strerror or "failed", operation="sync", object=str(self.path)) from error
        return super().settle()

    def close(self) -> None:
        """Close the file."""
        with self._held():
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
        super().close()

    def _open(self) -> None:
        self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._size = self._begun = os.fstat(self._fd).st_size

    def _append(self, data: Text) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except BaseException:
            # Whole lines only: take back what was written of these.
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(data)
        if self._size - self._begun >= WRITE_OUT_BYTES:
            self._begin_write_out()

    def _begin_write_out(self) -> None:
        """Have what was written go to the disk from now on, beside us: whoever settles has less to wait for."""
        with suppress(OSError, AttributeError):  # not a file, or not on Linux: then it waits
            os.posix_fadvise(self._fd, self._begun, self._size - self._begun, os.POSIX_FADV_DONTNEED)
        self._begun = self._size

    def _rotate(self) -> None:
        os.close(self._fd)
        self._fd = -1
        rotated = self.path.with_name(f"{self.path.name}.{self._next_number():06d}")
        self.path.rename(rotated)
        self._open()
        if self.compress:
            _compress(rotated)

    def _next_number(self) -> int:
        rotated = f"{self.path.name}."
        siblings = (path.name for path in self.path.absolute().parent.iterdir())
        numbers = (name.removeprefix(rotated).split(".")[0] for name in siblings if name.startswith(rotated))
        return max((int(number) for number in numbers if number.isdecimal()), default=0) + 1


def _compress(path: Path) -> None:
    """Replace a file by its gzip, which stands under its final name only once it is whole."""
    partial = path.with_name(f"{path.name}.partial")
    with path.open("rb") as source, partial.open("wb") as target:
        with gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=0) as compressed:
            shutil.copyfileobj(source, compressed, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
    partial.rename(path.with_name(f"{path.name}.gz"))
    path.unlink()
