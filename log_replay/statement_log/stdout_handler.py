"""Statements on stdout, for a pipe or a container's log."""

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
    """Writes whole lines to stdout, past Python's own buffer, whatever the pipe's state and whoever else writes to it.

    Args:
        fd: the file descriptor to write to instead of stdout's.
    """

    def __init__(self, fd: int | None = None) -> None:
        super().__init__()
        self.fd = fd
        self._torn = False

    def write_lines(self, lines: Text) -> None:
        """Write whole lines.

        Raises:
            Stopped: nobody reads stdout any more.
        """
        try:
            fd = self._file_descriptor()
            if fd is None:
                sys.stdout.write(bytes(lines).decode())
                return
            with _alone(fd):
                self._write_all(fd, b"\n" + lines if self._torn else lines)
        except (BrokenPipeError, ConnectionResetError) as error:
            if self.fd is None:
                _abandon_stdout()
            raise Stopped("nobody reads it any more", operation="write", object="stdout") from error
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
            return None  # somebody captures stdout within this process

    def _write_all(self, fd: int, data: Text) -> None:
        # Interrupted between two parts (Ctrl-C at a full pipe), the next write ends the torn line first.
        self._torn = True
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:
                # Another process made the shared pipe non-blocking: wait for room.
                room = select.poll()
                room.register(fd, select.POLLOUT)
                room.poll()
        self._torn = False


@contextmanager
def _alone(fd: int) -> Iterator[None]:
    """Keep other processes' lines out of ours: what exceeds PIPE_BUF may be interleaved on a pipe otherwise."""
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX)
    except OSError:
        yield  # not something that can be locked, such as a terminal
        return
    try:
        yield
    finally:
        fcntl.lockf(fd, fcntl.LOCK_UN)


def _abandon_stdout() -> None:
    """Let what Python itself still has for stdout go nowhere, or its exit would end in a traceback."""
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
