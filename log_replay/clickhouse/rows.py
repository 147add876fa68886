"""Statements and log lines as rows of ClickHouse's RowBinary.

It is the cheapest format for both sides: nothing is escaped, nothing is parsed, and a moment is a number, which no
server's time zone can shift.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from log_replay.records import Statement

ROW_FORMAT = "RowBinary"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: What DateTime64 can hold without surprises.
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
_LAST_SECOND = 2**32 - 1
_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE)
_HALF = 2**64 - 1
#: A UUID's two halves and microseconds since 1970.
_HEAD = Struct("<QQq")
_SECOND = Struct("<I")
_MORE = 0x80


class UnstorableStatement(ValueError):
    """A statement whose id or time does not fit its column."""


def event_id(statement: Statement) -> str:
    """Return the UUID in a statement's id: Caliper's are ``urn:uuid:...``.

    Raises:
        UnstorableStatement: there is none.
    """
    found = _UUID.fullmatch(statement.id)
    if found is None:
        raise UnstorableStatement("its id is no UUID")
    return found[1].lower()


def emission_time(statement: Statement) -> datetime:
    """Return when the event happened, to the microsecond, in UTC.

    Raises:
        UnstorableStatement: nobody can tell.
    """
    try:
        moment = datetime.fromisoformat(statement.timestamp)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UnstorableStatement("its timestamp cannot be read") from None
    if not _FIRST <= moment < _LAST:
        raise UnstorableStatement("its timestamp is out of range")
    return moment


def statement_row(statement: Statement) -> bytes:
    """Return the row ``event_id, emission_time, event``.

    Raises:
        UnstorableStatement: it cannot be one.
    """
    return row_head(statement) + sized(statement.text)


def row_head(statement: Statement) -> bytes:
    """Return ``event_id, emission_time`` as a row begins with them.

    Raises:
        UnstorableStatement: it cannot have one.
    """
    digits = int(event_id(statement).replace("-", ""), 16)
    return _HEAD.pack(digits >> 64, digits & _HALF, microseconds(emission_time(statement)))


def line_row(moment: datetime, line: bytes) -> bytes:
    """Return the row ``time, message``; a time that no DateTime can hold becomes the nearest that it can."""
    second = (moment - _EPOCH) // timedelta(seconds=1)
    return _SECOND.pack(min(max(second, 0), _LAST_SECOND)) + sized(line)


def microseconds(moment: datetime) -> int:
    """Return a moment as DateTime64(6) holds it."""
    return (moment - _EPOCH) // _MICROSECOND


def sized(text: bytes) -> bytes:
    """Return a String: its length, and itself."""
    rest = len(text)
    digits = bytearray()
    while rest >= _MORE:
        digits.append(rest & (_MORE - 1) | _MORE)
        rest >>= 7
    digits.append(rest)
    return bytes(digits) + text
