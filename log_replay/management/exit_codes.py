"""Exit codes, and the translation of errors to exit codes; the same for all commands."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.management.base import CommandError

from log_replay.errors import ConfigurationError, LogReplayError
from log_replay.pipeline.signals import INCOMPLETE
from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EXIT_CODES", "INCOMPLETE", "NO_STATEMENT", "TOO_MANY_REJECTS", "WRONG_USAGE", "errors_exit"]

WRONG_USAGE, TOO_MANY_REJECTS, NO_STATEMENT = 2, 3, 3
#: The meaning of each exit code, for the reference page.
EXIT_CODES = {
    0: "complete",
    INCOMPLETE: "stopped before the end, or not everything was read or delivered; the last line says how to continue",
    WRONG_USAGE: "wrong usage or configuration, found before anything was read or written",
    TOO_MANY_REJECTS: "complete, but more rejects than `--max_rejected` allows, or `explain_tracking_log` found a line "
    "that gives no statement",
}


@contextmanager
def errors_exit() -> Iterator[None]:
    """End the command without a traceback for our own errors and for an interrupt.

    Raises:
        CommandError: with the exit code for the error.
    """
    try:
        yield
    except ConfigurationError as error:
        raise CommandError(escape_controls(str(error)), returncode=WRONG_USAGE) from error
    except LogReplayError as error:
        raise CommandError(escape_controls(str(error)), returncode=INCOMPLETE) from error
    except KeyboardInterrupt as interrupt:
        raise CommandError(f"stopped: {str(interrupt) or 'interrupted'}", returncode=INCOMPLETE) from interrupt
