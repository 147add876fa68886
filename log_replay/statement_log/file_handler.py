"""Write statements to a local file and rotate it by size. Rotated files are never overwritten or deleted.

The path can also be a device, a named pipe or ``/dev/fd/N``. These are only written to.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.statement_log.line_handler import LineHandler

if TYPE_CHECKING:
    from log_replay.records import Text

#: After this many bytes, ask the kernel to start writing them to disk, so that the next fsync waits less.
WRITE_OUT_BYTES = 8 << 20


class FileHandler(LineHandler):
    """Append whole lines to a file. Only one process may write to a file.

    Args:
        path: the file. Rotated files are in the same folder: ``<path>.000001``, ``<path>.000002`` and so on.
        max_bytes: rotate the file before it becomes larger than this; 0 means never.
        compress: compress rotated files with gzip.

    Raises:
        ConfigurationError: the file cannot be opened, or it is not a regular file and is to be rotated.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = 0, compress: bool = False) -> None:
        super().__init__()
        self.path = Path(path)
        self.max_bytes = max_bytes
        self.compress = compress
        self._fd = -1
        self._is_regular = True
        self._size = self._written_out = 0
        if max_bytes:
            self.max_write_bytes = min(self.max_write_bytes, max_bytes)
        try:
            self._open()
        except OSError as error:
            raise ConfigurationError(error.strerror or "failed", operation="open", object=str(path)) from error
        if max_bytes and not self._is_regular:
            self.close()
            raise ConfigurationError("only a regular file can be rotated", operation="open", object=str(path))

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

    def flush_lines(self) -> int:
        """Write a regular file's data to the disk, and return 0: a file handler loses no statement.

        Raises:
            DestinationUnavailable: the data cannot be written to the disk.
        """
        try:
            with self._locked():
                if self._is_regular:
                    os.fsync(self._fd)
        except OSError as error:
            raise DestinationUnavailable(error.strerror or "failed", operation="sync", object=str(self.path)) from error
        return super().flush_lines()

    def close(self) -> None:
        """Close the file."""
        with self._locked():
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
        super().close()

    def _open(self) -> None:
        self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        status = os.fstat(self._fd)
        self._is_regular = stat.S_ISREG(status.st_mode)
        self._size = self._written_out = status.st_size

    def _append(self, data: Text) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except BaseException:
            # Keep whole lines only: remove the part that was written.
            if self._is_regular:
                with suppress(OSError):
                    os.ftruncate(self._fd, self._size)
            raise
        self._size += len(data)
        if self._is_regular and self._size - self._written_out >= WRITE_OUT_BYTES:
            self._start_write_out()

    def _start_write_out(self) -> None:
        """Ask the kernel to start writing new data to the disk in the background."""
        with suppress(OSError, AttributeError):  # not supported by this file system or operating system
            os.posix_fadvise(self._fd, self._written_out, self._size - self._written_out, os.POSIX_FADV_DONTNEED)
        self._written_out = self._size

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
    """Replace a file by its gzip. The gzip gets its final name when it is complete."""
    partial = path.with_name(f"{path.name}.partial")
    with path.open("rb") as source, partial.open("wb") as target:
        with gzip.GzipFile(filename="", fileobj=target, mode="wb", mtime=0) as compressed:
            shutil.copyfileobj(source, compressed, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
    partial.rename(path.with_name(f"{path.name}.gz"))
    path.unlink()
