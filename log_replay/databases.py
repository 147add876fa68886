"""Reasons of database errors, in our own words: the messages of drivers quote queries, and so learner data."""

from __future__ import annotations

import re

#: Patterns of the messages of sqlite3, mysqlclient and psycopg, by precedence. A group is the name of a table.
_REASONS = (
    (r"no such table: ([\w.]+)", "no such table: {}"),
    (r"Table '(?:[^'.]*\.)?(\w+)' doesn't exist", "no such table: {}"),
    (r'relation "(?:\w+\.)?(\w+)" does not exist', "no such table: {}"),
    (r"no such column|Unknown column|column .* does not exist", "a table lacks a column"),
    (r"Unknown database|database .* does not exist", "no such database"),
    (r"Access denied for user .* to database|permission denied for database|\b1044\b", "no access to this database"),
    (r"command denied|permission denied for", "no permission for this query"),
    (r"Access denied|authentication failed|no password supplied|\b1045\b", "wrong user name or password"),
    (r'role ".*" does not exist', "wrong user name or password"),
    (r"Unknown (?:MySQL )?server host|could not translate host|Name or service not known", "unknown host"),
    (r"failed to resolve host|nodename nor servname|Temporary failure in name resolution", "unknown host"),
    (r"Connection refused|Can.t connect to .*\((?:111|115|61)\)", "connection refused"),
    (r"timeout expired|timed out|\(110\)|error: 110|statement timeout", "no answer in time"),
    (r"gone away|Lost connection|closed the connection|terminating connection", "connection lost"),
    (r"connection is (?:closed|lost)|connection socket closed", "connection lost"),
    (r"Can't connect|could not connect|connection failed|connection to server", "no connection"),
    (r"database is locked|Lock wait timeout|Deadlock|deadlock", "locked by another process"),
    (r"file is not a database|file is encrypted", "the file is not a SQLite database"),
    (r"malformed", "the file is damaged"),
    (r"disk is full|No space left", "the disk is full"),
    (r"disk I/O error", "the disk is full or damaged"),
    (r"readonly database|read-only|Read only", "the database is read-only"),
    (r"unable to open database file", "the file cannot be opened"),
)


def database_reason(error: BaseException) -> str:
    """Return the reason of a database error; the type and number of the error if the message is not known."""
    for pattern, reason in _REASONS:
        if found := re.search(pattern, str(error)):
            return reason.format(*found.groups())
    number = next((str(part) for part in error.args if isinstance(part, int)), "")
    return f"{type(error).__name__} {number}".strip()
