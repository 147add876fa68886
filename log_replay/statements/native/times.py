"""Write timestamps and durations as statements do."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import dateutil.parser
from tincan.conversions.iso8601 import make_datetime

from log_replay.statements.native.fields import UnsupportedEvent, UpstreamRejects
from log_replay.statements.serialise import number_text

if TYPE_CHECKING:
    from collections.abc import Callable

UNREADABLE_TIME = "the time is missing or cannot be read"
NO_ZONE = "the time has no zone"
NO_DURATION = "a position or a duration is not a number of seconds"
DAY_SECONDS = 86_400
SECOND_MICROSECONDS = 1_000_000

# The forms that the LMS writes, or wrote. All parsers that upstream uses (aniso8601, dateutil, datetime) agree on them,
# except that aniso8601 rejects a space between the date and the time. The zone is a group.
_FREQUENT_TIME = re.compile(
    r"(?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(Z|(?:\+|-(?!00:?00))[0-9]{2}:?[0-5][0-9])?"
)
# The most frequent form: in UTC, with microseconds. A match takes a third of the time of parsing.
_is_usual_time = re.compile(
    r"2[0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}\+00:00"
).fullmatch


def xapi_timestamp(time: Any) -> str:
    """Return a time in its own zone, with microseconds unless they are zero.

    Raises:
        UpstreamRejects: the time is not valid, or has no zone.
    """
    if type(time) is str:
        if _is_usual_time(time) and time[20:26] != "000000":
            return time
        if "T" not in time:
            raise UpstreamRejects("ValueError", UNREADABLE_TIME)
    elif type(time) not in (int, float, list):  # upstream's parser changes an object
        raise UnsupportedEvent
    return _parse(time, make_datetime, without_zone="ValueError").isoformat()


def caliper_time(time: Any) -> str:
    """Return a time in UTC, cut to milliseconds.

    Raises:
        UpstreamRejects: the time is not valid, or has no zone.
    """
    if type(time) is not str:
        raise UpstreamRejects("AttributeError", UNREADABLE_TIME)
    if _is_usual_time(time):
        return f"{time[:23]}Z"
    parsed = _parse(time, dateutil.parser.parse, without_zone="TypeError")
    try:
        utc = parsed.replace(tzinfo=None) - (parsed.utcoffset() or timedelta())
    except OverflowError:  # before the year 1
        raise UpstreamRejects("OverflowError", UNREADABLE_TIME) from None
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _parse(time: Any, parser: Callable[[Any], datetime], *, without_zone: str) -> datetime:
    """Parse a time. Only times in unusual forms need upstream's parser, which takes 10 to 80 us.

    Args:
        time: the time as the event writes it.
        parser: upstream's parser.
        without_zone: upstream's reason to reject a time without a zone.

    Raises:
        UpstreamRejects: the time is not valid, or has no zone.
    """
    parsed = _parse_frequent(time) or _parse_as_upstream(time, parser)
    if parsed.utcoffset() is None:
        raise UpstreamRejects(without_zone, NO_ZONE)
    return parsed


def _parse_frequent(time: Any) -> datetime | None:
    if not isinstance(time, str) or not _FREQUENT_TIME.fullmatch(time):
        return None
    try:
        return datetime.fromisoformat(time)
    except ValueError:  # such as on February 30
        return None


def _parse_as_upstream(time: Any, parser: Callable[[Any], datetime]) -> datetime:
    try:
        return parser(time)
    except Exception as error:  # noqa: BLE001 - upstream rejects the event for any exception
        raise UpstreamRejects(type(error).__name__, UNREADABLE_TIME) from None


def decimal_seconds(value: Any) -> float | None:
    """Return a number of seconds with three decimals.

    Raises:
        UpstreamRejects: the value is not a number.
    """
    return None if value is None else round(_number(value), 3)


def seconds_text(value: Any) -> bytes:
    """Return the JSON of a number of seconds with three decimals.

    Raises:
        NonFiniteNumber: the number is NaN or infinite.
        UpstreamRejects: the value is not a number.
    """
    return number_text(round(value if type(value) is float else _number(value), 3))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise UpstreamRejects(type(error).__name__, "a value is not a number") from None


def xapi_duration(seconds: float | None) -> str | None:
    """Return an ISO 8601 duration with two digits in each part, such as ``PT01M30.5S``."""
    if seconds is None:
        return None
    minutes, remainder = divmod(timedelta(seconds=seconds).total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    remainder = round(remainder, 6)
    seconds_part = f"{int(remainder):02}" if remainder.is_integer() else f"{remainder:09.6f}".rstrip("0")
    date = f"{days}D" if days else ""
    hour_part = f"{hours:02}H" if days or hours else ""
    minute_part = f"{minutes:02}M" if days or hours or minutes else ""
    return f"P{date}T{hour_part}{minute_part}{seconds_part}S"


def caliper_duration(seconds: Any) -> str | None:
    """Return an ISO 8601 duration without leading zeros and empty parts, such as ``PT1M30.5S``.

    Raises:
        UpstreamRejects: the value is not a number, or not a possible number of seconds.
    """
    if seconds is None:
        return None
    if type(seconds) is float and 0 < seconds < DAY_SECONDS:
        # Playback positions differ too much for a cache. Without timedelta, they take 0.5 us instead of 1.3.
        whole_seconds = int(seconds)
        microseconds = round((seconds - whole_seconds) * 1e6)  # as timedelta rounds
        if 0 < microseconds < SECOND_MICROSECONDS:
            decimals = str(SECOND_MICROSECONDS + microseconds).rstrip("0")[1:]  # six digits after a leading 1
            return f"PT{_time_part(whole_seconds)}.{decimals}S"
    if type(seconds) in (str, list, dict):
        raise UpstreamRejects("TypeError", NO_DURATION)
    return _any_duration(seconds)


@lru_cache(maxsize=4096)
def _any_duration(seconds: Any) -> str:
    """Return any duration. Values of different types that are equal give the same duration."""
    try:
        duration = timedelta(seconds=seconds)
    except (OverflowError, ValueError) as error:  # too long, or NaN
        raise UpstreamRejects(type(error).__name__, NO_DURATION) from None
    sign = "-" if duration < timedelta() else ""
    duration = abs(duration)
    seconds_part = duration.seconds % 60
    decimals = f".{duration.microseconds:06}".rstrip("0.")
    time = _hours_and_minutes(duration.seconds) + (f"{seconds_part}{decimals}S" if seconds_part or decimals else "")
    date = f"{duration.days}D" if duration.days else ""
    return f"{sign}P{date}T{time}" if time else f"{sign}P{date or '0D'}"


@lru_cache(maxsize=4096)
def _time_part(seconds: int) -> str:
    """Return a duration's hours, minutes and whole seconds."""
    return f"{_hours_and_minutes(seconds)}{seconds % 60}"


def _hours_and_minutes(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    return (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
