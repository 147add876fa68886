"""Write to stdout without a traceback if it is a closed pipe, closed, or full; and survive a closed stderr."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from django.core.management.base import OutputWrapper

from log_replay.errors import ConfigurationError, DestinationUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

_DJANGO_PREFIX = "CommandError: "


def check_stdout() -> None:
    """Check that there is a stdout to write to, before a command does any work.

    Raises:
        ConfigurationError: stdout is closed.
    """
    if sys.stdout is None:  # closed before Python started, by ">&-"
        raise ConfigurationError(
            "it is closed", operation="write to", object="stdout", hint="to discard the output, use >/dev/null"
        )


def write_stdout(data: bytes) -> None:
    """Write data to stdout. If the reader has closed the pipe (``| head``), the rest is discarded.

    Raises:
        ConfigurationError: stdout is closed.
        DestinationUnavailable: stdout cannot be written, for example because the disk is full.
    """
    check_stdout()
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_stdout()
    except OSError as error:
        _discard_stdout()
        raise DestinationUnavailable(
            error.strerror or type(error).__name__, operation="write to", object="stdout"
        ) from error


def ensure_stderr() -> None:
    """Open /dev/null as stderr if stderr was closed before Python started, by ``2>&-``."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends


class Stderr(OutputWrapper):
    """The stderr of a command. If its reader is gone, messages are discarded, so the exit code stays right.

    Attributes:
        program: replaces the name of the exception at the beginning of Django's message of a CommandError.
    """

    program: str | None = None

    def write(  # type: ignore[override]  # as in Django
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None:
        """Write a message."""
        if self.program and msg.startswith(_DJANGO_PREFIX):
            msg = f"{self.program}: {msg.removeprefix(_DJANGO_PREFIX)}"
        try:
            super().write(msg, style_func, ending)
            self.flush()
        except OSError:
            discard_stderr()


def discard_stderr() -> None:
    """Discard everything that is written to stderr from now on. Its reader is gone."""
    _discard(sys.stderr)


def _discard_stdout() -> None:
    _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    """Connect a stream to /dev/null, because Python tries again to write its buffer when it exits."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
