"""Write statements to stdout, for a pipe or a container's log."""

from __future__ import annotations

import fcntl
import io
import os
import select
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from log_replay.errors import Stopped
from log_replay.statement_log.line_handler import LineHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.records import Text


class StdoutHandler(LineHandler):
    """Write whole lines to stdout without Python's buffer.

    Lines stay whole if the pipe is non-blocking, and if several processes write to it.

    Args:
        fd: the file descriptor to use instead of stdout's.
    """

    def __init__(self, fd: int | None = None) -> None:
        super().__init__()
        self.fd = fd
        self._incomplete_line = False

    def write_lines(self, lines: Text) -> None:
        """Write whole lines.

        Raises:
            Stopped: the reader of stdout has closed it, or stdout cannot be written to.
        """
        try:
            fd = self._file_descriptor()
            if fd is None:
                sys.stdout.write(bytes(lines).decode())
                return
            with _write_lock(fd):
                self._write_all(fd, b"\n" + lines if self._incomplete_line else lines)
        except (BrokenPipeError, ConnectionResetError) as error:
            if self.fd is None:
                _redirect_stdout_to_null()
            raise Stopped("the reader has closed it", operation="write", object="stdout") from error
        except OSError as error:
            raise Stopped(error.strerror or "failed", operation="write", object="stdout") from error

    def _file_descriptor(self) -> int | None:
        if self.fd is not None:
            return self.fd
        if sys.stdout is None or sys.stdout.closed:
            raise Stopped("it is closed", operation="write", object="stdout")
        try:
            sys.stdout.flush()
            return sys.stdout.fileno()
        except io.UnsupportedOperation:
            return None  # stdout is captured within this process, as by a test

    def _write_all(self, fd: int, data: Text) -> None:
        # Ctrl-C during a write to a full pipe leaves an incomplete line: the next write ends it first.
        self._incomplete_line = True
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:
                # Another process has made the shared pipe non-blocking.
                writable = select.poll()
                writable.register(fd, select.POLLOUT)
                writable.poll()
        self._incomplete_line = False


@contextmanager
def _write_lock(fd: int) -> Iterator[None]:
    """Lock a file descriptor: without a lock, writes of several processes larger than PIPE_BUF can be mixed."""
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX)
    except OSError:
        yield  # cannot be locked, such as a terminal
        return
    try:
        yield
    finally:
        fcntl.lockf(fd, fcntl.LOCK_UN)


def _redirect_stdout_to_null() -> None:
    """Send Python's remaining output to /dev/null, to avoid a traceback when Python flushes stdout at exit."""
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
