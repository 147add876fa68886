"""Targets and extensions: where in the object it was done, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.statements.native.caliper.event import member
from log_replay.statements.native.fields import find
from log_replay.statements.native.times import caliper_duration

if TYPE_CHECKING:
    from log_replay.records import EventFields

SOMEWHERE = '{"id":"_:MediaLocation","type":"MediaLocation"'


def media_location(fields: EventFields) -> str:
    """Return where in the video it happened."""
    data = fields["data"]
    time = caliper_duration(data.get("currentTime") or data.get("current_time"))
    return f"{SOMEWHERE}}}" if time is None else f'{SOMEWHERE},"currentTime":"{time}"}}'


def jump(fields: EventFields) -> str:
    """Return from where to where in the video the learner jumped."""
    data = fields["data"]
    before = data.get("currentTime")
    if not before:
        before = data.get("old_time")
        caliper_duration(data.get("current_time"))  # which upstream rejects if it cannot read it, though it is not told
    time, after = caliper_duration(before), caliper_duration(data.get("new_time"))
    current = "" if time is None else f',"currentTime":"{time}"'
    destination = "" if after is None else f'"newTime":"{after}"'
    return f'{SOMEWHERE}{current},"extensions":{{{destination}}}}}'


def speeds(fields: EventFields) -> str:
    """Return the speed before and after."""
    return member("oldSpeed", find(fields, "old_speed")) + member("newSpeed", find(fields, "new_speed"))
