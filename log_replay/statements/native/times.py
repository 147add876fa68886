"""Moments and durations, as statements spell them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from log_replay.statements.native.fields import UnsupportedEvent
from log_replay.statements.serialise import number_text

#: What is shorter has no days, in seconds.
DAY = 86_400
#: In microseconds.
SECOND = 1_000_000

# What the LMS writes. All the parsers concerned (aniso8601, dateutil, datetime) agree on these spellings.
_MOMENT = re.compile(
    r"(?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|(?:\+|-(?!00:00))[0-9]{2}:[0-5][0-9])"
)
# The usual one of them: in UTC, with microseconds. Recognising it takes a third of the time that reading others takes.
_spelled_as_usual = re.compile(
    r"2[0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}\+00:00"
).fullmatch


def xapi_timestamp(spelled: Any) -> str:
    """Return the moment with its own offset, and with microseconds where there are any."""
    if type(spelled) is str and _spelled_as_usual(spelled) and spelled[20:26] != "000000":
        return spelled
    return _moment(spelled).isoformat()


def caliper_time(spelled: Any) -> str:
    """Return the moment in UTC, cut to milliseconds."""
    if type(spelled) is str and _spelled_as_usual(spelled):
        return f"{spelled[:23]}Z"
    moment = _moment(spelled)
    utc = moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta())
    return utc.isoformat(timespec="milliseconds") + "Z"


def decimal_seconds(value: Any) -> float | None:
    """Return a number of seconds with three decimals."""
    return None if value is None else round(float(value), 3)


def seconds_text(value: Any) -> bytes:
    """Return the JSON of a number of seconds with three decimals.

    Raises:
        NonFiniteNumber: it is NaN or infinite.
    """
    return number_text(round(float(value), 3))


def xapi_duration(seconds: float | None) -> str | None:
    """Return an ISO 8601 duration with two digits a part, such as ``PT01M30.5S``."""
    if seconds is None:
        return None
    minutes, remainder = divmod(timedelta(seconds=seconds).total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    remainder = round(remainder, 6)
    spelled = f"{int(remainder):02}" if remainder.is_integer() else f"{remainder:09.6f}".rstrip("0")
    date = f"{days}D" if days else ""
    hour_part = f"{hours:02}H" if days or hours else ""
    minute_part = f"{minutes:02}M" if days or hours or minutes else ""
    return f"P{date}T{hour_part}{minute_part}{spelled}S"


def caliper_duration(seconds: Any) -> str | None:
    """Return an ISO 8601 duration without leading zeros and empty parts, such as ``PT1M30.5S``."""
    if type(seconds) is float and 0 < seconds < DAY:
        whole = int(seconds)
        microseconds = round((seconds - whole) * 1e6)  # as timedelta rounds
        if 0 < microseconds < SECOND:
            decimals = str(SECOND + microseconds).rstrip("0")[1:]  # what begins with a one keeps its zeros
            return f"PT{_up_to_seconds(whole)}.{decimals}S"
    return None if seconds is None else _caliper_duration(seconds)


@lru_cache(maxsize=4096)
def _caliper_duration(seconds: Any) -> str:
    """Return any duration; what is equal is as long, whatever its type."""
    duration = timedelta(seconds=seconds)
    sign = "-" if duration < timedelta() else ""
    duration = abs(duration)
    whole, decimals = duration.seconds % 60, f".{duration.microseconds:06}".rstrip("0.")
    time = _hours_and_minutes(duration.seconds) + (f"{whole}{decimals}S" if whole or decimals else "")
    date = f"{duration.days}D" if duration.days else ""
    return f"{sign}P{date}T{time}" if time else f"{sign}P{date or '0D'}"


@lru_cache(maxsize=4096)
def _up_to_seconds(seconds: int) -> str:
    """Return a duration's hours, minutes and seconds, up to their decimals."""
    return f"{_hours_and_minutes(seconds)}{seconds % 60}"


def _hours_and_minutes(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    return (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")


def _moment(spelled: Any) -> datetime:
    if not isinstance(spelled, str) or not _MOMENT.fullmatch(spelled):
        raise UnsupportedEvent
    return datetime.fromisoformat(spelled)
