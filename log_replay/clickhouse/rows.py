"""Encode statements and log lines as rows of ClickHouse's format RowBinary.

RowBinary costs least on both sides: no text is escaped or parsed. Times are numbers, so the time zone of a server does
not matter.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from struct import Struct
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from log_replay.records import Statement

ROW_FORMAT = "RowBinary"
#: The bytes before the text, and the text. Keeping them apart saves one copy of the text.
Row: TypeAlias = tuple[bytes, bytes]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The range of DateTime64, without its end, where some functions overflow.
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
_LAST_SECOND = 2**32 - 1
#: Both cases are listed because IGNORECASE takes twice as long.
_UUID = re.compile(r"(?:urn:uuid:)?([\dA-Fa-f]{8}(?:-[\dA-Fa-f]{4}){3}-[\dA-Fa-f]{12})", re.ASCII)
_HALF = 2**64 - 1
#: The two halves of a UUID, and microseconds since 1970.
_HEAD = Struct("<QQq")
#: The same, followed by a text length that takes exactly two bytes.
_STATEMENT = Struct("<QQqBB")
_TWO_BYTES = range(128, 128 * 128)
_SECOND = Struct("<I")
#: The same, followed by a text length that takes exactly two bytes.
_LINE = Struct("<IBB")
_CONTINUED = 0x80


class UnstorableStatement(ValueError):
    """A statement whose id or time does not fit the column."""


def event_id(statement: Statement) -> str:
    """Return the UUID in a statement's id. Caliper's ids have the prefix ``urn:uuid:``.

    Raises:
        UnstorableStatement: the id contains no UUID.
    """
    return _uuid(statement).lower()


def _uuid(statement: Statement) -> str:
    found = _UUID.fullmatch(statement.id)
    if found is None:
        raise UnstorableStatement("its id is not a UUID")
    return found[1]


def emission_time(statement: Statement) -> datetime:
    """Return the time of the event in UTC, with microseconds.

    Raises:
        UnstorableStatement: the timestamp cannot be read, or is out of range.
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
        UnstorableStatement: the id or the time does not fit the column.
    """
    text = statement.text
    length = len(text)
    if length not in _TWO_BYTES:
        return row_head(statement), sized(text)
    digits = int(_uuid(statement).replace("-", ""), 16)
    moment = microseconds(emission_time(statement))
    return _STATEMENT.pack(digits >> 64, digits & _HALF, moment, length & 127 | 128, length >> 7), text


def row_head(statement: Statement) -> bytes:
    """Return ``event_id, emission_time``, the beginning of a row.

    Raises:
        UnstorableStatement: the id or the time does not fit the column.
    """
    digits = int(_uuid(statement).replace("-", ""), 16)
    return _HEAD.pack(digits >> 64, digits & _HALF, microseconds(emission_time(statement)))


def line_row(moment: datetime, line: bytes) -> Row:
    """Return the row ``time, message``. A time out of the range of DateTime becomes the nearest time in it."""
    since = moment - _EPOCH
    second = min(max(since.days * 86_400 + since.seconds, 0), _LAST_SECOND)
    length = len(line)
    if length not in _TWO_BYTES:
        return _SECOND.pack(second), sized(line)
    return _LINE.pack(second, length & 127 | 128, length >> 7), line


def microseconds(moment: datetime) -> int:
    """Return a moment as DateTime64(6): microseconds since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def sized(text: bytes) -> bytes:
    """Return a String of RowBinary: the length in LEB128, and the text."""
    rest = len(text)
    digits = bytearray()
    while rest >= _CONTINUED:
        digits.append(rest & (_CONTINUED - 1) | _CONTINUED)
        rest >>= 7
    digits.append(rest)
    return bytes(digits) + text
