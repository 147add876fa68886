"""Reasons of database errors, from messages of real drivers."""

from __future__ import annotations

import pytest
from django.db import OperationalError, ProgrammingError

from log_replay.databases import database_reason

DENIED = "wrong user name or password"
CONNECTION = 'connection to server at "10.0.0.5", port 5432 failed:'


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OperationalError(2002, "Can't connect to server on '127.0.0.1' (115)"), "connection refused"),
        (OperationalError(2003, "Can't connect to MySQL server on 'db:3306' (111)"), "connection refused"),
        (OperationalError(2003, "Can't connect to MySQL server on 'db:3306' (110)"), "no answer in time"),
        (OperationalError(2013, "Lost connection to server at 'handshake', system error: 110"), "no answer in time"),
        (OperationalError(2005, "Unknown server host 'nosuch.invalid' (-2)"), "unknown host"),
        (OperationalError(1045, "Access denied for user 'ada'@'10.0.0.7' (using password: YES)"), DENIED),
        (OperationalError(1044, "Access denied for user 'ada'@'%' to database 'edxapp'"), "no access to this database"),
        (OperationalError(1049, "Unknown database 'edxapp'"), "no such database"),
        (ProgrammingError(1146, "Table 'edxapp.auth_user' doesn't exist"), "no such table: auth_user"),
        (OperationalError(1142, "SELECT command denied to user 'ada'@'%'"), "no permission for this query"),
        (OperationalError(2013, "Lost connection to server during query"), "connection lost"),
        (OperationalError("the connection is lost"), "connection lost"),
        (OperationalError("connection socket closed"), "connection lost"),
        (OperationalError(f"{CONNECTION} FATAL:  the database system is starting up"), "no connection"),
        (OperationalError(f"{CONNECTION} Connection refused"), "connection refused"),
        (OperationalError("[Errno -2] Name or service not known"), "unknown host"),
        (OperationalError(f'{CONNECTION} FATAL:  password authentication failed for user "ada"'), DENIED),
        (OperationalError(f'{CONNECTION} FATAL:  database "edxapp" does not exist'), "no such database"),
        (ProgrammingError('relation "auth_user" does not exist\nLINE 1: SELECT'), "no such table: auth_user"),
        (OperationalError("no such table: auth_user"), "no such table: auth_user"),
        (OperationalError("unable to open database file"), "the file cannot be opened"),
        (OperationalError("database or disk is full"), "the disk is full"),
        (OperationalError("attempt to write a readonly database"), "the database is read-only"),
        (OperationalError(4711, "ada@example.com"), "OperationalError 4711"),
        (OperationalError("ada@example.com"), "OperationalError"),
    ],
)  # fmt: skip
def test_a_database_error_has_a_reason_in_our_own_words(error, reason):
    assert database_reason(error) == reason
