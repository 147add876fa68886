"""The lease of a run: only the process that holds it works on the whole run."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError, connections, router, transaction
from django.db.models import Q
from django.utils import timezone

from log_replay.errors import ConfigurationError
from log_replay.ledger.clock import DatabaseNow, from_now
from log_replay.models import Run, RunGroup

if TYPE_CHECKING:
    from django.db.models import QuerySet

#: After this time without a renewal, another process may acquire the lease. The database's clock decides.
LEASE_SECONDS = 60.0
#: The longest time between two renewals. A request to stop is seen after this time at the latest.
RENEWED_EVERY_SECONDS = 5.0


class RunBusy(ConfigurationError):
    """Another process has the lease of the run, or processes have claims on groups of it."""


class Lease:
    """The right to work on a whole run. A thread renews it, since a batch can take longer than a lease lasts.

    Args:
        run_id: the primary key of the run.
        name: the name of the run.
        seconds: the duration of the lease.

    Attributes:
        stop_requested: True if an operator asked the process to stop.
    """

    def __init__(self, run_id: int, name: str, seconds: float = LEASE_SECONDS) -> None:
        self._run_id = run_id
        self._name = name
        self._seconds = seconds
        self.owner = this_process()
        self.stop_requested = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def acquire(self, *, joined: bool = False) -> None:
        """Acquire the lease if no other process works on the run, or if these processes are dead.

        Args:
            joined: several processes work on the run from now on.

        Raises:
            RunBusy: another process works on the run.
        """
        if has_live_claims(self._run_id):
            raise self._shared()
        if not self._take(state=Run.State.RUNNING, reason="", joined=joined):
            raise self._held()
        # A process that claims a group looks at the run after its claim. So either that process sees this lease, or its
        # claim is seen here.
        with transaction.atomic(router.db_for_write(Run)):
            shared = has_live_claims(self._run_id, locked=True)
            if shared:
                self._row.update(owner="", lease_until=None, joined=True)
        if shared:
            raise self._shared()
        self._thread.start()

    def acquire_to_finish(self) -> bool:
        """Acquire the lease of a joined run whose groups are all done or failed. Return False if that is not so."""
        if not self._take(Q(state=Run.State.RUNNING, joined=True, stop_requested=False)):
            return False
        # A process that lets failed groups be claimed again has the lease meanwhile. So they are seen here.
        if RunGroup.objects.filter(run_id=self._run_id, state=RunGroup.State.WAITING).exists():
            self._row.update(owner="", lease_until=None)
            return False
        self._thread.start()
        return True

    def release(self) -> None:
        """Release the lease, so that the next process can acquire it at once."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(DatabaseError, InterfaceError):
            self._row.update(owner="", lease_until=None)

    @property
    def _row(self) -> QuerySet[Run]:
        return Run.objects.filter(pk=self._run_id, owner=self.owner)

    def _take(self, condition: Q | None = None, **values: object) -> bool:
        free = Q(lease_until=None) | Q(lease_until__lte=DatabaseNow())
        holder = Run.objects.values_list("owner", flat=True).get(pk=self._run_id)
        if is_dead(holder):
            free |= Q(owner=holder)
        rows = Run.objects.filter(free, condition or Q(), pk=self._run_id)
        return bool(rows.update(owner=self.owner, lease_until=from_now(self._seconds), **values))

    def _held(self) -> RunBusy:
        until = Run.objects.values_list("lease_until", flat=True).get(pk=self._run_id)
        seconds = max(1, round((until - timezone.now()).total_seconds())) if until else round(self._seconds)
        return RunBusy(
            f"another process works on the run {self._name!r}",
            hint=f"if that process is dead, its lease ends in {seconds} seconds: try again then",
        )

    def _shared(self) -> RunBusy:
        return RunBusy(
            f"other processes work on the run {self._name!r}", hint="add --join to work on it together with them"
        )

    def _renew(self) -> None:
        while not self._over.wait(min(RENEWED_EVERY_SECONDS, self._seconds / 4)):
            # A renewal may fail. If the database stays unavailable, recording the next batch raises the error.
            with suppress(DatabaseError, InterfaceError):
                self._row.update(lease_until=from_now(self._seconds))
                self.stop_requested = self._row.filter(stop_requested=True).exists()
            connections[router.db_for_write(Run)].close()


def has_live_claims(run_id: int, *, locked: bool = False) -> bool:
    """Return True if any living process has a claim on a group of a run.

    Args:
        run_id: the primary key of the run.
        locked: wait for claims that are not committed yet. This needs a transaction.
    """
    claimed = RunGroup.objects.filter(run_id=run_id, state=RunGroup.State.WAITING, lease_until__gt=DatabaseNow())
    if locked:
        claimed = claimed.select_for_update()
    return any(not is_dead(owner) for owner in claimed.order_by().values_list("owner", flat=True))


def this_process() -> str:
    """Return an identifier of this process that is unique among all machines and all times; see ``named``."""
    return f"{_machine()} {os.getpid()} {_started(os.getpid())} {os.uname().nodename}"


def named(owner: str) -> str:
    """Return the name of a process for people: its host and its number."""
    parts = owner.split(" ")
    return f"{parts[3]} {parts[1]}" if len(parts) > 3 else owner  # noqa: PLR2004 - the parts of ``this_process``


def is_dead(owner: str) -> bool:
    """Return True if a process ran on this machine and in this container, and has ended.

    For processes elsewhere, it returns False: they cannot be checked.
    """
    machine, pid, started, *_ = [*owner.split(" "), "", ""]
    return bool(started) and machine == _machine() and _started(int(pid)) != started


def _machine() -> str:
    """Return an identifier of the boot and the PID namespace: its processes can see each other."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return os.uname().nodename


def _started(pid: int) -> str:
    """Return the start time of a process in ticks of the kernel, or an empty text if it is not running or not known."""
    try:
        # The name of the program may contain anything, so the fields are read after the last parenthesis.
        state, *fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "" if state == "Z" else fields[18]
