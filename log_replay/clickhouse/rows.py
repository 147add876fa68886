"""Statements and log lines as rows of ClickHouse's RowBinary.

It is the cheapest format for both sides: nothing is escaped, nothing is parsed, and a moment is a number, which no
server's time zone can shift.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from log_replay.records import Statement

ROW_FORMAT = "RowBinary"
#: What precedes a text, and the text itself: together they are copied but once.
Row: TypeAlias = tuple[bytes, bytes]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What DateTime64 can hold without surprises.
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
_LAST_SECOND = 2**32 - 1
#: Spelled out, since ignoring case would double its cost.
_UUID = re.compile(r"(?:urn:uuid:)?([\dA-Fa-f]{8}(?:-[\dA-Fa-f]{4}){3}-[\dA-Fa-f]{12})", re.ASCII)
_HALF = 2**64 - 1
#: A UUID's two halves and microseconds since 1970.
_HEAD = Struct("<QQq")
#: Likewise, and the length of a text for which two bytes are right.
_STATEMENT = Struct("<QQqBB")
_TWO_BYTES = range(128, 128 * 128)
_SECOND = Struct("<I")
_MORE = 0x80


class UnstorableStatement(ValueError):
    """A statement whose id or time does not fit its column."""


def event_id(statement: Statement) -> str:
    """Return the UUID in a statement's id: Caliper's are ``urn:uuid:...``.

    Raises:
        UnstorableStatement: there is none.
    """
    return _uuid(statement).lower()


def _uuid(statement: Statement) -> str:
    found = _UUID.fullmatch(statement.id)
    if found is None:
        raise UnstorableStatement("its id is no UUID")
    return found[1]


def emission_time(statement: Statement) -> datetime:
    """Return when the event happened, to the microsecond, in UTC.

    Raises:
        UnstorableStatement: nobody can tell.
    """
    try:
        moment = datetime.fromisoformat(statement.timestamp)
        if moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UnstorableStatement("its timestamp cannot be read") from None
    if not _FIRST <= moment < _LAST:
        raise UnstorableStatement("its timestamp is out of range")
    return moment


def statement_row(statement: Statement) -> Row:
    """Return the row ``event_id, emission_time, event``.

    Raises:
        UnstorableStatement: it cannot be one.
    """
    text = statement.text
    length = len(text)
    if length not in _TWO_BYTES:
        return row_head(statement), sized(text)
    digits = int(_uuid(statement).replace("-", ""), 16)
    moment = microseconds(emission_time(statement))
    return _STATEMENT.pack(digits >> 64, digits & _HALF, moment, length & 127 | 128, length >> 7), text


def row_head(statement: Statement) -> bytes:
    """Return ``event_id, emission_time`` as a row begins with them.

    Raises:
        UnstorableStatement: it cannot have one.
    """
    digits = int(_uuid(statement).replace("-", ""), 16)
    return _HEAD.pack(digits >> 64, digits & _HALF, microseconds(emission_time(statement)))


def line_row(moment: datetime, line: bytes) -> Row:
    """Return the row ``time, message``; a time that no DateTime can hold becomes the nearest that it can."""
    second = (moment - _EPOCH) // timedelta(seconds=1)
    return _SECOND.pack(min(max(second, 0), _LAST_SECOND)), sized(line)


def microseconds(moment: datetime) -> int:
    """Return a moment as DateTime64(6) holds it."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def sized(text: bytes) -> bytes:
    """Return a String: its length, and itself."""
    rest = len(text)
    digits = bytearray()
    while rest >= _MORE:
        digits.append(rest & (_MORE - 1) | _MORE)
        rest >>= 7
    digits.append(rest)
    return bytes(digits) + text
