"""Scan every line of a block, a few bytes each, for the report of a dry run: times, and a sample of the lines.

``scan_lines`` has a twin in C, which takes a twentieth of the time.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from datetime import date
from operator import mul
from typing import TYPE_CHECKING

from log_replay.block_profile import ScannedLines

if TYPE_CHECKING:
    from log_replay.records import Text

HOUR = 3_600_000_000
#: The last year of ClickHouse's DateTime64.
LAST_YEAR = 2261
_TIME_KEY = b'"time"'
_TIME_VALUE = re.compile(rb'[ :]*"')
_TIME = re.compile(
    rb"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d*))?"
    rb'(?:Z|([+-])(\d{2}):?(\d{2})|(?=")|\Z)'
)
_MASK = 2**64 - 1
_WORD = 8
_FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93)


def scan_lines(text: Text, level: int) -> ScannedLines:
    """Read the time of each line of a text, and take a sample of the lines.

    The time of a line is the value of its last key ``"time"``: the LMS writes the event before the time. The sample has
    the lines whose digest begins with ``level`` zero bits, so the same line is in every sample or in none.

    Args:
        text: whole lines.
        level: the number of bits.
    """
    times, hours, sample = list[int](), Counter[int](), array("Q")
    lines = bytes(text).split(b"\n")
    if not lines[-1]:
        lines.pop()
    fingerprint = 0
    for line in lines:
        time = _line_time(line)
        digest = _digest(line, max(time, 0))
        fingerprint += digest
        if time >= 0:
            times.append(time)
            hours[time // HOUR] += 1
            if not digest >> (64 - level):
                sample.extend((digest, time))
    untimed = len(lines) - len(times)
    first, last = min(times, default=-1), max(times, default=-1)
    return ScannedLines(first, last, untimed, dict(hours), fingerprint & _MASK, sample.tobytes())


def microseconds_of(text: bytes, begin: int = 0) -> int:
    """Return the time at a place of a text in microseconds since 1970; -1 if it cannot be read or is earlier."""
    found = _TIME.match(text, begin)
    if not found:
        return -1
    year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    if not 1 <= year <= LAST_YEAR:
        return -1
    zone = (int(found[9]) * 60 + int(found[10])) * (-1 if found[8] == b"-" else 1) if found[8] else 0
    minutes = (_days_since_1970(year, month, day) * 24 + hour) * 60 + minute - zone
    microseconds = int((found[7] or b"0")[:6].ljust(6, b"0"))
    return -1 if minutes < 0 else (minutes * 60 + second) * 1_000_000 + microseconds


def _days_since_1970(year: int, month: int, day: int) -> int:
    # February 30 counts as March 2, as in C.
    return date(year, month, 1).toordinal() + day - 1 - date(1970, 1, 1).toordinal()


def _line_time(line: bytes) -> int:
    limit = len(line)
    while (key := line.rfind(_TIME_KEY, 0, limit)) >= 0:
        value = _TIME_VALUE.match(line, key + len(_TIME_KEY))
        if value:
            found = microseconds_of(line, value.end())
            if found >= 0:
                return found
        limit = key
    return -1


def _digest(line: bytes, time: int) -> int:
    last = len(line) - _WORD
    words = (time, len(line), _word(line, last // 2), _word(line, last)) if last >= 0 else (time, len(line))
    value: int = sum(map(mul, words, _FACTORS)) & _MASK
    value = (value ^ value >> 30) * _FACTORS[0] & _MASK
    value = (value ^ value >> 27) * _FACTORS[1] & _MASK
    return value ^ value >> 31


def _word(line: bytes, at: int) -> int:
    return int.from_bytes(line[at : at + _WORD], "little")
