"""The lease of a run: only the process that holds it works on the run."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from django.db import DatabaseError, connections, router
from django.db.models import Q
from django.utils import timezone

from log_replay.errors import ConfigurationError
from log_replay.ledger.clock import DatabaseNow, from_now
from log_replay.models import Run

#: After this time without a renewal, another process may acquire the lease. The database's clock decides.
LEASE_SECONDS = 60.0
RENEWED_EVERY_SECONDS = 15.0


class Lease:
    """The right to work on a run. A thread renews it, since a batch can take longer than a lease lasts.

    Args:
        run_id: the primary key of the run.
        name: the name of the run.
    """

    def __init__(self, run_id: int, name: str) -> None:
        self._run_id = run_id
        self._name = name
        self.owner = this_process()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def acquire(self) -> None:
        """Acquire the lease if no other process holds it, or if that process is dead.

        Raises:
            ConfigurationError: another process holds it.
        """
        holder, until = Run.objects.values_list("owner", "lease_until").get(pk=self._run_id)
        free = Q(lease_until=None) | Q(lease_until__lte=DatabaseNow())
        if is_dead(holder):
            free |= Q(owner=holder)
        taken = Run.objects.filter(free, pk=self._run_id).update(
            owner=self.owner, lease_until=from_now(LEASE_SECONDS), state=Run.State.RUNNING, reason=""
        )
        if not taken:
            seconds = max(1, round((until - timezone.now()).total_seconds())) if until else round(LEASE_SECONDS)
            raise ConfigurationError(
                f"another process works on the run {self._name!r}",
                hint=f"if that process is dead, its lease ends in {seconds} seconds: try again then",
            )
        self._thread.start()

    def release(self) -> None:
        """Release the lease, so that the next process can acquire it at once."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(DatabaseError):
            Run.objects.filter(pk=self._run_id, owner=self.owner).update(owner="", lease_until=None)

    def _renew(self) -> None:
        while not self._over.wait(RENEWED_EVERY_SECONDS):
            # A renewal may fail. If the database stays unavailable, recording the next batch raises the error.
            with suppress(DatabaseError):
                Run.objects.filter(pk=self._run_id, owner=self.owner).update(lease_until=from_now(LEASE_SECONDS))
            connections[router.db_for_write(Run)].close()


def this_process() -> str:
    """Return an identifier of this process that is unique among all machines and all times."""
    return f"{_machine()} {os.getpid()} {_started(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Return True if a process ran on this machine and in this container, and has ended.

    For processes elsewhere, it returns False: they cannot be checked.
    """
    machine, _, process = owner.partition(" ")
    pid, _, started = process.partition(" ")
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
