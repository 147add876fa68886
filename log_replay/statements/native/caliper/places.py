"""Targets and extensions: where in the object it was done, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.statements.native.caliper.event import present
from log_replay.statements.native.reading import find, look
from log_replay.statements.native.times import caliper_duration

if TYPE_CHECKING:
    from log_replay.records import EventFields

Json = dict[str, Any]


def media_location(fields: EventFields) -> Json:
    """Return where in the video it happened."""
    return _location(look(fields, "data", "currentTime") or look(fields, "data", "current_time"))


def jump(fields: EventFields) -> Json:
    """Return from where to where in the video the learner jumped."""
    media_location(fields)  # upstream rejects an event whose place it cannot read, though it takes another one here
    made = _location(look(fields, "data", "currentTime") or look(fields, "data", "old_time"))
    return {**made, "extensions": present({"newTime": caliper_duration(look(fields, "data", "new_time"))})}


def speeds(fields: EventFields) -> Json:
    """Return the speed before and after."""
    return present({"oldSpeed": find(fields, "old_speed"), "newSpeed": find(fields, "new_speed")})


def _location(seconds: Any) -> Json:
    return {
        "id": "_:MediaLocation",
        "type": "MediaLocation",
        **present({"currentTime": caliper_duration(seconds)}),
    }
