"""How a command ends: errors -> exit codes and one line on stderr, the same for all commands."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.management.base import CommandError

from log_replay.errors import ConfigurationError, LogReplayError
from log_replay.pipeline.signals import INCOMPLETE

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["INCOMPLETE", "TOO_MANY_REJECTS", "WRONG_USAGE", "errors_exit"]

WRONG_USAGE, TOO_MANY_REJECTS = 2, 3


@contextmanager
def errors_exit() -> Iterator[None]:
    """Let our own errors, and an interrupt, end the command without a traceback.

    Raises:
        CommandError: with the exit code for what was raised.
    """
    try:
        yield
    except ConfigurationError as error:
        raise CommandError(str(error), returncode=WRONG_USAGE) from error
    except LogReplayError as error:
        raise CommandError(str(error), returncode=INCOMPLETE) from error
    except KeyboardInterrupt as interrupt:
        raise CommandError(f"stopped: {str(interrupt) or 'interrupted'}", returncode=INCOMPLETE) from interrupt
