"""Who works on a run: one process at a time, for as long as it lives."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.db import DatabaseError, connections, router
from django.db.models import Q
from django.utils import timezone

from log_replay.errors import ConfigurationError
from log_replay.models import Run

#: A process that has not renewed its lease for so long is taken for dead.
LEASE = timedelta(seconds=60)
RENEWED_EVERY_SECONDS = 15.0


class Lease:
    """The right to work on a run, renewed by a thread of its own, since a batch can take longer than a lease.

    Args:
        run_id: the run's.
        name: likewise.
    """

    def __init__(self, run_id: int, name: str) -> None:
        self._run_id = run_id
        self._name = name
        self.owner = this_process()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def take(self) -> None:
        """Take the run over, unless a process that lives is at work on it.

        Raises:
            ConfigurationError: one is.
        """
        holder, until = Run.objects.values_list("owner", "lease_until").get(pk=self._run_id)
        free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
        if is_dead(holder):
            free |= Q(owner=holder)
        taken = Run.objects.filter(free, pk=self._run_id).update(
            owner=self.owner, lease_until=timezone.now() + LEASE, state=Run.State.RUNNING, reason=""
        )
        if not taken:
            seconds = max(1, round((until - timezone.now()).total_seconds())) if until else LEASE.seconds
            raise ConfigurationError(
                f"another process is at work on the run {self._name!r}",
                hint=f"if it is dead, its lease ends in {seconds} seconds: try again then",
            )
        self._thread.start()

    def give_back(self) -> None:
        """Stop renewing; whoever comes next need not wait."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(DatabaseError):
            Run.objects.filter(pk=self._run_id, owner=self.owner).update(owner="", lease_until=None)

    def _renew(self) -> None:
        while not self._over.wait(RENEWED_EVERY_SECONDS):
            # A database that does not answer now may do so in time; the next batch will tell whether it does.
            with suppress(DatabaseError):
                Run.objects.filter(pk=self._run_id, owner=self.owner).update(lease_until=timezone.now() + LEASE)
            connections[router.db_for_write(Run)].close()


def this_process() -> str:
    """Return what tells this process from any other, ever, on any machine."""
    return f"{_machine()} {os.getpid()} {_started(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether a process is certainly dead: it was of this machine and container, and is no more."""
    machine, _, process = owner.partition(" ")
    pid, _, started = process.partition(" ")
    return bool(started) and machine == _machine() and _started(int(pid)) != started


def _machine() -> str:
    """Return what is the same for processes that can see each other: the boot and the PID namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return os.uname().nodename


def _started(pid: int) -> str:
    """Return when a process began, in the kernel's own ticks; nothing where there is none, or no way to know."""
    try:
        # What precedes the last parenthesis is the program's name, which may hold anything.
        state, *fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "" if state == "Z" else fields[18]
