"""The beginning and the end of a joined run, which all its processes share.

The first process makes the plan while it has the lease of the whole run. Then each process claims one group of units
after the other. When all groups are done, one process acquires the lease of the run again and finishes it. A process
that finds nothing to claim waits, since another one may die.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import structlog
from django.db import InterfaceError, OperationalError

from log_replay import models
from log_replay.errors import ConfigurationError
from log_replay.ledger.database import TakenOver
from log_replay.ledger.joined.claims import Claims, Renewal
from log_replay.ledger.joined.groups import GroupLedger
from log_replay.ledger.joined.silent_sessions import SilentSessions
from log_replay.ledger.lease import Lease, RunBusy, has_live_claims
from log_replay.ledger.plan_changes import refuse_changes
from log_replay.ledger.reconnecting import close_connection
from log_replay.ledger.run_configuration import check_same
from log_replay.ledger.stored_plan import begin_groups
from log_replay.report.stored import stored_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from log_replay.records import SkippedObject, SourceObject, Unit
    from log_replay.report import Report

log = structlog.get_logger(__name__)


class JoinedLedger(GroupLedger):
    """The ledger of one process of a joined run.

    Args:
        run: the row of the run.
        read_head: see ``DatabaseLedger``.
        lease_seconds: the duration of a lease.

    Attributes:
        finishing: True if this process has the run, in order to finish it.
    """

    def __init__(self, run: models.Run, read_head: Callable[[SourceObject], str], *, lease_seconds: float) -> None:
        super().__init__(run, read_head, lease_seconds=lease_seconds)
        self._sessions = SilentSessions(lease_seconds)
        self._has_joined = False
        self.finishing = False

    def __enter__(self) -> Self:
        self._retried(self._sessions.begin)
        if not self._run.pk:
            self._retried(self._create_or_find, "create the run")
        self._claims = Claims(self._run.pk, self._lease_seconds)
        self._renewal = Renewal(self._claims, self._run.pk, self._lease_seconds)
        self._renewal.begin()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._renewal.end()
        self.abandon()
        super().__exit__()
        self._sessions.end()

    def join(self, plan: Callable[[], Iterable[Unit | SkippedObject]]) -> None:
        """Make the plan, or wait until another process has made it.

        A run that no process works on is continued: its plan is compared with the objects as they are now.

        Args:
            plan: lists the source.

        Raises:
            ConfigurationError: a process works on the run alone, the run is asked to stop, or an object has changed.
        """
        self._wait_until(lambda: self._join(plan))
        self._has_joined = True

    def wait_for_group(self) -> bool:
        """Wait until a group is claimed. Return False if the run has ended, or if this process has to finish it.

        Raises:
            Stopped: an operator asked the processes of the run to stop.
            LedgerError: the database does not answer for long.
        """
        if not (self._next or self.finishing):
            self._wait_until(self._claims_group_or_ends)
        return self._next is not None

    def stop(self, reason: str) -> None:
        """See ``Ledger``. Other processes may continue, so this does not end the run."""
        if not self._has_joined:
            return
        try:
            models.Run.objects.filter(pk=self._run.pk, state=models.Run.State.RUNNING).update(reason=reason)
        except (OperationalError, InterfaceError):
            close_connection()

    def begin_to_finish(self, rejects_bytes: int) -> None:
        """Begin to record the redelivery of the backlog, after ``report_of_all``.

        Args:
            rejects_bytes: the size of the rejects file.
        """
        self._parts_before, self._rejects_begin = self._run.rejects_parts, rejects_bytes

    def check_lease(self) -> None:
        """Check that this process may still finish the run.

        Raises:
            TakenOver: another process has acquired the lease of the run.
        """
        self._commit(self._update)

    def finish(self, report: Report, rejects_bytes: int = 0) -> None:
        """See ``Ledger``. If another process has taken over the run, ``finishing`` is false afterwards."""
        try:
            super().finish(report, rejects_bytes)
        except TakenOver as lost:
            self.leave_end(lost)

    def leave_end(self, lost: TakenOver) -> None:
        """Leave the end of the run to the process that has taken it over."""
        log.warning("another process finishes the run", reason=lost.message)
        self._release_run()

    def wait_for_end(self, new_report: Callable[[], Report]) -> None:
        """Wait until another process has recorded the end of the run. If that process dies, record it here.

        Args:
            new_report: returns an empty report.

        Raises:
            LedgerError: the database does not answer for long.
        """
        self._wait_until(self._has_ended)
        while self.finishing:
            self.finish(self.report_of_all(new_report))
            self._release_run()
            self._wait_until(self._has_ended)

    def _join(self, plan: Callable[[], Iterable[Unit | SkippedObject]]) -> bool:
        self._run.refresh_from_db()
        if self._run.state == models.Run.State.FINISHED:
            return True
        if self._run.stop_requested:
            raise ConfigurationError(
                f"an operator asked the run {self.name!r} to stop",
                hint=f"replay_runs stop --undo {self.name} lets processes join it again",
            )
        if self._run.planned and has_live_claims(self._run.pk):
            return True
        lease = Lease(self._run.pk, self._run.name, self._lease_seconds)
        try:
            lease.acquire(joined=True)
        except RunBusy:
            self._run.refresh_from_db()
            if self._run.joined:
                return False
            raise
        try:
            self._hold(lease)
            self._prepare(plan)
            # The lease is released after the first claim: without both, another process would prepare the run again.
            self._next = self._claim_next()
        except TakenOver:
            return False
        finally:
            self._lease = None
            lease.release()
        return True

    def _prepare(self, plan: Callable[[], Iterable[Unit | SkippedObject]]) -> None:
        if self._run.planned:
            refuse_changes(self._run, plan(), self._read_head)
            # If this process was suspended for longer than its lease, another one has prepared the run meanwhile.
            self._commit(self._update, lambda: begin_groups(self._run))
            return
        try:
            self._store_plan(plan())
        except ConfigurationError:
            models.Run.objects.filter(pk=self._run.pk, owner=self._owner).delete()
            raise

    def _create_or_find(self) -> None:
        self._run.pk = None  # set by an earlier attempt that was not committed
        try:
            self._insert()
        except ConfigurationError:
            given = self._run.identity
            self._run = models.Run.objects.get(name=self.name)
            check_same(self._run, given)

    def _claims_group_or_ends(self) -> bool:
        if self._has_ended():
            return True
        self._next = self._claim_next()
        return self._next is not None

    def _has_ended(self) -> bool:
        """Return True if the run has ended, or if this process has acquired its lease in order to finish it."""
        state, stop_requested = models.Run.objects.values_list("state", "stop_requested").get(pk=self._run.pk)
        if stop_requested:
            self._renewal.stop_requested = True
            self.check()
        if state != models.Run.State.RUNNING:
            return True
        if not self._claims.all_done():
            return False
        lease = Lease(self._run.pk, self._run.name, self._lease_seconds)
        if not lease.acquire_to_finish():
            return False
        try:
            self._hold(lease)
        except BaseException as error:
            self._lease = None
            lease.release()
            if isinstance(error, TakenOver):
                return False
            raise
        self.finishing = True
        return True

    def _release_run(self) -> None:
        self.finishing = False
        if self._lease:
            self._lease.release()
            self._lease = None

    def _store_counts(self, report: Report, rejects_bytes: int, **values: Any) -> None:
        if not self.finishing:
            super()._store_counts(report, rejects_bytes, **values)
            return
        self._update(counts=stored_counts(report), rejects_parts=self._rejects_parts(rejects_bytes), **values)
