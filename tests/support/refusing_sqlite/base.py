"""The backend's connection; Django imports ``DatabaseWrapper`` from here."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from django.db.backends.sqlite3 import base

#: Everything that a statement may do without writing. SQLite asks when it compiles a statement.
READING = {
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_PRAGMA,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_SAVEPOINT,
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_TRANSACTION,
}


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose every write fails; the file ``<database>.writes`` lists the attempts."""

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        attempts = Path(f"{conn_params['database']}.writes")

        def authorize(action, argument, *_more):
            if action in READING:
                return sqlite3.SQLITE_OK
            with attempts.open("a") as file:
                file.write(f"{action} {argument}\n")
            return sqlite3.SQLITE_DENY

        connection.set_authorizer(authorize)
        return connection
