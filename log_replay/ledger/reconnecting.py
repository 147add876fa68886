"""Repeat an action on the ledger while its database restarts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from django.db import InterfaceError, OperationalError, connections, router

from log_replay.ledger.clock import steady_seconds
from log_replay.ledger.database import translated
from log_replay.models import Run

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: How long a process waits for the database.
RETRY_SECONDS = 300.0


def retried(
    action: Callable[[], T],
    *,
    operation: str,
    check: Callable[[], object],
    poll_seconds: float,
    retry_seconds: float | None = None,
) -> T:
    """Repeat an action until the database answers, and return its result.

    Args:
        action: does the same each time, even if the database has done it and the answer was lost.
        operation: the operation, for the error.
        check: called before each repetition. It raises an error if the action may not be repeated any more.
        poll_seconds: the time between two attempts.
        retry_seconds: the time limit; None means ``RETRY_SECONDS``.

    Raises:
        LedgerError: the database does not answer for long.
    """
    gives_up_at = steady_seconds() + (RETRY_SECONDS if retry_seconds is None else retry_seconds)
    with translated(operation):
        while True:
            try:
                return action()
            except (OperationalError, InterfaceError):
                if steady_seconds() > gives_up_at:
                    raise
                close_connection()
            check()
            time.sleep(poll_seconds)


def close_connection() -> None:
    """Close the connection to the database of the ledger. The next query opens a new one."""
    connections[router.db_for_write(Run)].close()
