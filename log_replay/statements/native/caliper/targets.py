"""Targets and extensions of Caliper's media events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.statements.native.caliper.event import member
from log_replay.statements.native.fields import find
from log_replay.statements.native.times import caliper_duration

if TYPE_CHECKING:
    from log_replay.records import EventFields

MEDIA_LOCATION = '{"id":"_:MediaLocation","type":"MediaLocation"'


def media_location(fields: EventFields) -> str:
    """Return the position in the video."""
    data = fields["data"]
    time = _duration(data.get("currentTime") or data.get("current_time"))
    return f"{MEDIA_LOCATION}}}" if time is None else f'{MEDIA_LOCATION},"currentTime":"{time}"}}'


def seek(fields: EventFields) -> str:
    """Return the positions before and after a jump in a video."""
    data = fields["data"]
    before = data.get("currentTime")
    if not before:
        before = data.get("old_time")
        _duration(data.get("current_time"))  # upstream does not use it, but rejects an invalid one
    time, after = _duration(before), _duration(data.get("new_time"))
    current = "" if time is None else f',"currentTime":"{time}"'
    extensions = "" if after is None else f'"newTime":"{after}"'
    return f'{MEDIA_LOCATION}{current},"extensions":{{{extensions}}}}}'


def _duration(seconds: Any) -> str | None:
    """Return a duration, or None for an empty value. Zero and False are not empty."""
    return caliper_duration(seconds) if seconds or seconds == 0 else None


def speeds(fields: EventFields) -> str:
    """Return the speeds before and after a change, as extensions."""
    return member("oldSpeed", find(fields, "old_speed")) + member("newSpeed", find(fields, "new_speed"))
