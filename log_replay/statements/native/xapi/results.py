"""Results: what came of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.fields import text_at, value_at
from log_replay.statements.native.times import decimal_seconds, seconds_text, xapi_duration
from log_replay.statements.native.xapi.objects import present
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.records import EventFields

Json = dict[str, Any]

TIME = "https://w3id.org/xapi/video/extensions/time"
TIME_FROM = "https://w3id.org/xapi/video/extensions/time-from"
TIME_TO = "https://w3id.org/xapi/video/extensions/time-to"
SPEED_FROM = "https://w3id.org/xapi/openedx/extension/speed-from"
SPEED_TO = "https://w3id.org/xapi/openedx/extension/speed-to"
CAPTIONS_ENABLED = "https://w3id.org/xapi/video/extensions/cc-enabled"
PROGRESS = "https://w3id.org/xapi/cmi5/result/extensions/progress"
GRADE_CLASSIFICATION = "http://www.tincanapi.co.uk/activitytypes/grade_classification"

AT_TIME = b'{"extensions":{"%b":%%b}}' % TIME.encode()
JUMP = b'{"extensions":{"%b":%%b,"%b":%%b}}' % (TIME_FROM.encode(), TIME_TO.encode())
COMPLETION = b'{"completion":%%b,"extensions":{"%b":%%b}}' % PROGRESS.encode()


def playback_position(fields: EventFields) -> bytes:
    """Return where in the video it happened."""
    seconds = _position(fields)
    return b'{"extensions":{}}' if seconds is None else AT_TIME % seconds_text(seconds)


def captions(*, enabled: bool) -> Callable[[EventFields], bytes]:
    """Return what makes the result of switching captions on or off."""
    switched_at = b'{"extensions":{"%b":%%b,"%b":%b}}' % (
        TIME.encode(),
        CAPTIONS_ENABLED.encode(),
        json_text(enabled),
    )
    some_time = json_text({"extensions": {CAPTIONS_ENABLED: enabled}})

    def switched(fields: EventFields) -> bytes:
        seconds = _position(fields)
        return some_time if seconds is None else switched_at % seconds_text(seconds)

    return switched


def watched(fields: EventFields) -> bytes:
    """Return that the video was seen to its end."""
    seconds = decimal_seconds(value_at(fields, "data", "duration"))
    result: Json = {"extensions": present({TIME: seconds}), "completion": True}
    if seconds is not None:
        result["duration"] = xapi_duration(seconds)
    return json_text(result)


def jump(fields: EventFields) -> bytes:
    """Return from where to where in the video the learner jumped."""
    before, after = value_at(fields, "data", "old_time"), value_at(fields, "data", "new_time")
    if before is None or after is None:
        known = present({TIME_FROM: decimal_seconds(before), TIME_TO: decimal_seconds(after)})
        return json_text({"extensions": known})
    return JUMP % (seconds_text(before), seconds_text(after))


def speed(fields: EventFields) -> bytes:
    """Return the speed before and after."""
    before, after = text_at(fields, "data", "old_speed"), text_at(fields, "data", "new_speed")
    return json_text({"extensions": {SPEED_FROM: f"{before}x", SPEED_TO: f"{after}x"}})


def completion(fields: EventFields) -> bytes:
    """Return how much of the block is complete, in percent."""
    share = value_at(fields, "data", "completion")
    # What only equals a share is none: 1, 1.0 and True are one key of the cache, and so are 0.0 and -0.0.
    return _completion(share) if share and type(share) is float else _completion.__wrapped__(share)


@lru_cache(maxsize=1024)
def _completion(share: Any) -> bytes:
    return COMPLETION % (b"true" if share == 1.0 else b"false", json_text(share * 100))


def problem_grade(fields: EventFields) -> bytes:
    """Return the weighted grade of a problem."""
    data = fields["data"]
    return _weighted_grade(data["weighted_earned"] or 0, data["weighted_possible"] or 0)


def subsection_grade(fields: EventFields) -> bytes:
    """Return the weighted grade of a subsection."""
    data = fields["data"]
    return _weighted_grade(data["weighted_total_earned"] or 0, data["weighted_total_possible"] or 0)


@lru_cache(maxsize=4096)
def _weighted_grade(earned: Any, possible: Any) -> bytes:
    """Return a grade's result, which is the same of equal numbers, since none of them is a negative zero."""
    scaled = earned / possible if possible > 0 else 0
    return json_text({"success": bool(earned >= possible), "score": score(possible, earned, scaled)})


def course_grade(fields: EventFields) -> bytes:
    """Return the share of the course's points, and the letter that it gives."""
    data = fields["data"]
    share, letter = data["percent_grade"] or 0, data.get("letter_grade") or "Fail"
    return _course_grade(share, letter) if type(letter) is str else _course_grade.__wrapped__(share, letter)


@lru_cache(maxsize=4096)
def _course_grade(share: Any, letter: Any) -> bytes:
    return json_text({"score": score(1.0, share, share), "extensions": {GRADE_CLASSIFICATION: letter}})


def score(maximum: Any, raw: Any, scaled: Any) -> Json:
    """Return a score from zero, in floating point numbers, without what is not known."""
    made = {"min": 0.0}
    if maximum is not None:
        made["max"] = float(maximum)
    if raw is not None:
        made["raw"] = float(raw)
    if scaled is not None:
        made["scaled"] = float(scaled)
    return made


def _position(fields: EventFields) -> Any:
    data = fields["data"]
    seconds = data.get("current_time") or data.get("currentTime")
    return seconds if seconds or seconds == 0 else None
