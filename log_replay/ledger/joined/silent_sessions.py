"""Sessions of processes that vanished: the database's server ends them, so that their locks do not stay.

A machine that dies, or loses its network, closes no connection. MySQL keeps such a session for eight hours, and with it
the locks of its transaction: nobody else could claim the group that the process was just recording.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from django.db import connections, router
from django.db.backends.signals import connection_created

from log_replay.models import Run

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

#: MySQL has a limit for silent sessions only, not for their transactions. A slow delivery must not often exceed it.
SESSION_SECONDS = 600


class SilentSessions:
    """Limits how long the server waits for the next statement of a transaction of this process.

    Args:
        seconds: the limit. After the duration of a lease, the transaction could not record anything.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = math.ceil(seconds)

    def begin(self) -> None:
        """Limit the connection to the database of the ledger, and those that replace it.

        Raises:
            DatabaseError: the database does not answer.
        """
        connection_created.connect(self._limit)
        connection = connections[router.db_for_write(Run)]
        if connection.connection:
            self._limit(connection)

    def end(self) -> None:
        """Do not limit connections that are opened from now on."""
        connection_created.disconnect(self._limit)

    def _limit(self, connection: BaseDatabaseWrapper, **_signal: Any) -> None:
        setting = self._setting(connection)
        if setting and connection.alias == router.db_for_write(Run):
            with connection.cursor() as cursor:
                cursor.execute(f"SET SESSION {setting}")

    def _setting(self, connection: Any) -> str:
        if connection.vendor == "postgresql":
            return f"idle_in_transaction_session_timeout = '{self._seconds}s'"
        if connection.vendor == "mysql":
            return (
                f"idle_transaction_timeout = {self._seconds}"
                if connection.mysql_is_mariadb
                else f"wait_timeout = {max(self._seconds, SESSION_SECONDS)}"
            )
        return ""
