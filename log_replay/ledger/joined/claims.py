"""Claims of one process on groups of units: only the process with the latest claim on a group records its progress.

A claim is a lease on the row of a group. The database's clock decides when it ends. Each claim increments a counter of
the row, the fence. Progress is recorded in one transaction with an update of this row that requires the fence of the
claim and time left in its lease. So a process that was suspended for longer than its lease records nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, InterfaceError, connections, router, transaction
from django.db.models import F, Q

from log_replay.errors import LedgerError
from log_replay.ledger.clock import DatabaseNow, from_now, steady_seconds
from log_replay.ledger.lease import RENEWED_EVERY_SECONDS, is_dead, this_process
from log_replay.ledger.prepared import PreparedUpdate
from log_replay.models import Run, RunGroup, RunUnit

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet

#: Without SKIP LOCKED, this number of free groups is tried. Other processes can claim them at the same time.
CANDIDATES = 8
#: A process stops delivering when less than this share of its lease is left.
MARGIN = 0.25

State = RunGroup.State


class ClaimLost(LedgerError):
    """Another process may work on the group: the lease ran out, or could not be renewed."""


class ClaimsClosed(LedgerError):
    """No group of the run can be claimed now: one process has the whole run, or it is asked to stop."""


@dataclass(eq=False)
class Claim:
    """A claim on one group.

    Attributes:
        group: the row of the group as it was when it was claimed.
        fence: the number of this claim among the claims on the group.
        batches_before: the number of batches of the run before the processes joined.
        until: the time of the steady clock until which no other process can claim the group.
        lost: True if it is known that the claim has ended.
        units: the rows of the units of the group, None until they are read.
    """

    group: RunGroup
    fence: int
    batches_before: int
    until: float
    lost: bool = False
    units: list[RunUnit] | None = None


class Claims:
    """The claims of one process on the groups of one run.

    Args:
        run_id: the primary key of the run.
        lease_seconds: the duration of a lease.
        owner: identifies the process.
        clock: a steady clock.
    """

    def __init__(
        self,
        run_id: int,
        lease_seconds: float,
        owner: str | None = None,
        clock: Callable[[], float] = steady_seconds,
    ) -> None:
        self._run_id = run_id
        self._lease_seconds = lease_seconds
        self._clock = clock
        self.owner = owner or this_process()
        self.held: list[Claim] = []
        mine = Q(state=State.WAITING, lease_until__gt=DatabaseNow()) | ~Q(state=State.WAITING)
        self._record = PreparedUpdate(
            self._groups.filter(mine), ["id", "owner", "fence"], lease_until=from_now(lease_seconds)
        )

    def claim_next(self) -> Claim | None:
        """Claim the first free group, or return None if no group is free.

        Raises:
            ClaimsClosed: no group of the run can be claimed now.
            DatabaseError: the database does not answer.
        """
        using = router.db_for_write(RunGroup)
        if connections[using].features.has_select_for_update_skip_locked:
            with transaction.atomic(using):
                free = self._groups.filter(_free()).order_by("number").select_for_update(skip_locked=True)
                taken = next((claim for group in free[:1] if (claim := self._take(group))), None)
        else:
            taken = self._take_any(using)
        if taken:
            self.held.append(taken)
        return taken

    def renew(self) -> None:
        """Renew all claims; claims that have ended are marked as lost.

        Raises:
            DatabaseError: the database does not answer.
        """
        for claim in list(self.held):
            asked = self._clock()
            if self._current(claim).update(lease_until=from_now(self._lease_seconds)):
                claim.until = asked + self._lease_seconds
            elif claim in self.held:  # it was not released meanwhile
                claim.lost = True

    def check(self, claim: Claim) -> None:
        """Check that enough time is left for delivering a batch.

        Raises:
            ClaimLost: another process may claim the group soon, or has claimed it.
        """
        if claim.lost or self._clock() > claim.until - MARGIN * self._lease_seconds:
            raise self._lost(claim)

    def record(self, claim: Claim, **values: Any) -> None:
        """Update the row of a claimed group, and renew the claim. It is repeatable.

        It must be the first statement of its transaction: then no process can claim the group before the commit.

        Raises:
            ClaimLost: the claim has ended. The transaction must be rolled back.
        """
        asked = self._clock()
        if not self._record.execute(id=claim.group.pk, owner=self.owner, fence=claim.fence, **values):
            raise self._lost(claim)
        claim.until = max(claim.until, asked + self._lease_seconds)

    def drop(self, claim: Claim) -> None:
        """Forget a claim. Its lease runs out if the group is not done."""
        if claim in self.held:
            self.held.remove(claim)

    def release(self) -> None:
        """Give all claimed groups back, so that other processes can claim them at once.

        Raises:
            DatabaseError: the database does not answer. Then the leases run out.
        """
        for claim in list(self.held):
            self.drop(claim)
            self._current(claim).update(owner="", lease_until=None)

    def all_done(self) -> bool:
        """Return True if all groups are done or failed. Groups of dead processes of this machine are freed."""
        waiting = self._groups.filter(state=State.WAITING)
        owners = set(waiting.order_by().values_list("owner", flat=True).distinct())
        for owner in filter(is_dead, owners):
            waiting.filter(owner=owner).update(lease_until=None)
        return not owners

    @property
    def _groups(self) -> QuerySet[RunGroup]:
        return RunGroup.objects.filter(run_id=self._run_id)

    def _current(self, claim: Claim) -> QuerySet[RunGroup]:
        return self._groups.filter(
            pk=claim.group.pk,
            owner=self.owner,
            fence=claim.fence,
            state=State.WAITING,
            lease_until__gt=DatabaseNow(),
        )

    def _take_any(self, using: str) -> Claim | None:
        for group in self._groups.filter(_free()).order_by("number")[:CANDIDATES]:
            with transaction.atomic(using):
                claim = self._take(group)
            if claim:
                return claim
        return None

    def _take(self, group: RunGroup) -> Claim | None:
        """Claim a group unless another process has done so, in a transaction."""
        asked = self._clock()
        row = self._groups.filter(_free(), pk=group.pk, fence=group.fence)
        if not row.update(owner=self.owner, fence=F("fence") + 1, lease_until=from_now(self._lease_seconds)):
            return None
        # A process looks for claims after it has acquired the lease of the run. So one of the two sees the other.
        ours = Q(lease_until=None) | Q(lease_until__lte=DatabaseNow()) | Q(owner=self.owner)
        run = Run.objects.filter(ours, pk=self._run_id, stop_requested=False, state=Run.State.RUNNING)
        batches = run.values_list("batches", flat=True).first()
        if batches is None:
            raise ClaimsClosed("the run cannot be joined now")
        return Claim(group, group.fence + 1, batches, asked + self._lease_seconds)

    def _lost(self, claim: Claim) -> ClaimLost:
        claim.lost = True
        return ClaimLost(
            f"the claim on group {claim.group.number} has ended; another process may work on the group now"
        )


class Renewal:
    """A thread that renews the claims of this process, and sees whether the run is asked to stop.

    Args:
        claims: the claims of this process.
        run_id: the primary key of the run.
        lease_seconds: the duration of a lease.

    Attributes:
        stop_requested: True if an operator asked the processes of the run to stop.
    """

    def __init__(self, claims: Claims, run_id: int, lease_seconds: float) -> None:
        self._claims = claims
        self._run_id = run_id
        self._interval = min(RENEWED_EVERY_SECONDS, lease_seconds / 4)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="claims", daemon=True)
        self.stop_requested = False

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """End the thread. If the database does not answer, its last request ends later."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(self._interval)

    def _renew(self) -> None:
        connection = connections[router.db_for_write(Run)]  # connections belong to one thread
        while not self._over.wait(self._interval):
            try:
                self._claims.renew()
                self.stop_requested |= Run.objects.filter(pk=self._run_id, stop_requested=True).exists()
            except (DatabaseError, InterfaceError):
                # Each claim remembers how long it is valid without a renewal.
                connection.close()
        connection.close()


def _free() -> Q:
    return Q(state=State.WAITING) & (Q(lease_until=None) | Q(lease_until__lte=DatabaseNow()))
