"""Write the output of a command to stdout: a closed pipe, a closed stdout and a full disk give no traceback."""

from __future__ import annotations

import os
import sys

from log_replay.errors import ConfigurationError, DestinationUnavailable


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


def _discard_stdout() -> None:
    """Connect stdout to /dev/null, because Python tries again to write its buffer when it exits."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
