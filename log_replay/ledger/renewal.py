"""A thread that renews the claims of this process, and sees whether the run is asked to stop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from django.db import DatabaseError, connections, router

from log_replay.ledger.lease import RENEWED_EVERY_SECONDS
from log_replay.models import Run

if TYPE_CHECKING:
    from log_replay.ledger.claims import Claims


class Renewal:
    """Renews claims until ``end`` is called.

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
            except DatabaseError:
                # Each claim remembers how long it is valid without a renewal.
                connection.close()
        connection.close()
