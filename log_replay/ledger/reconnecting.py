"""A ledger that waits while its database restarts, instead of ending the run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from django.db import InterfaceError, OperationalError, connections, router

from log_replay import models
from log_replay.ledger.clock import steady_seconds
from log_replay.ledger.database import ROWS, DatabaseLedger, do_all, translated
from log_replay.report.stored import merged_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.report import Report

T = TypeVar("T")

#: How long a process waits for a database.
RETRY_SECONDS = 300.0
#: The first of the times between two looks, as a share of the longest.
FIRST_POLL = 1 / 32


class ReconnectingLedger(DatabaseLedger):
    """A ledger whose actions are repeated until the database answers, for a limited time."""

    #: The time between two attempts.
    _poll_seconds = 1.0

    def report_of_all(self, new_report: Callable[[], Report], *, wait: bool = True) -> Report:
        """Return a report of everything that all processes have counted.

        Args:
            new_report: returns an empty report.
            wait: wait for a database that does not answer.

        Raises:
            LedgerError: the database does not answer.
        """
        return self._retried(
            lambda: self._restored(new_report()),
            "read the summary of the run",
            retry_seconds=RETRY_SECONDS if wait else 0,
        )

    def _restored(self, report: Report) -> Report:
        self._run.refresh_from_db()
        groups = self._run.groups.exclude(counts={}).values_list("counts", flat=True)
        counts = merged_counts([self._run.counts, *groups.iterator(chunk_size=ROWS)])
        self._restore_counters(report, counts)
        ended = self._run.state == models.Run.State.STOPPED
        if ended and not (report.failed_objects or report.backlog_messages):
            report.stopped = self._run.reason
        return report

    def _commit(self, *actions: Callable[[], object]) -> None:
        self._retried(lambda: do_all(actions), "record the progress")

    def _read(self, action: Callable[[], T]) -> T:
        return self._retried(action)

    def _retried(
        self, action: Callable[[], T], operation: str = "read the ledger", *, retry_seconds: float | None = None
    ) -> T:
        """Repeat an action until the database answers, and return its result.

        Args:
            action: does the same each time, even if the database has done it and the answer was lost.
            operation: the operation, for the error.
            retry_seconds: the time limit; None means ``RETRY_SECONDS``.

        Raises:
            LedgerError: the database does not answer for long, or ``_may_repeat`` has raised it.
        """
        with translated(operation):
            return until_answered(
                action,
                retry_seconds=RETRY_SECONDS if retry_seconds is None else retry_seconds,
                poll_seconds=self._poll_seconds,
                before_repeat=self._may_repeat,
            )

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds: first look often, since short waits are frequent at both ends of a run."""
        seconds = self._poll_seconds * FIRST_POLL
        while not self._retried(condition):
            time.sleep(seconds)
            seconds = min(2 * seconds, self._poll_seconds)

    def _may_repeat(self) -> None:
        """Raise an error if this process may not record anything any more."""


def until_answered(
    action: Callable[[], T], *, retry_seconds: float, poll_seconds: float, before_repeat: Callable[[], object]
) -> T:
    """Repeat an action until the database of the ledger answers, and return its result.

    Args:
        action: does the same each time, even if the database has done it and the answer was lost.
        retry_seconds: the time limit.
        poll_seconds: the time between two attempts.
        before_repeat: called before each of these times.

    Raises:
        OperationalError: the database does not answer.
        InterfaceError: the same.
    """
    gives_up_at = steady_seconds() + retry_seconds
    while True:
        try:
            return action()
        except (OperationalError, InterfaceError):
            if steady_seconds() > gives_up_at:
                raise
            close_connection()
        before_repeat()
        time.sleep(poll_seconds)


def close_connection() -> None:
    """Close the connection to the database of the ledger. The next query opens a new one."""
    connections[router.db_for_write(models.Run)].close()
