"""Results: what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.statements.native.reading import Unusual, look, look_text
from log_replay.statements.native.times import decimal_seconds, xapi_duration
from log_replay.statements.native.xapi.objects import present
from log_replay.statements.serialise import json_text, number_text

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
PROGRESS = b"https://w3id.org/xapi/cmi5/result/extensions/progress"
GRADE_CLASSIFICATION = "http://www.tincanapi.co.uk/activitytypes/grade_classification"

AT_TIME = b'{"extensions":{"%b":%%b}}' % TIME.encode()


def playback_position(fields: EventFields) -> bytes:
    """Return where in the video it happened."""
    seconds = _position(fields)
    return b'{"extensions":{}}' if seconds is None else AT_TIME % number_text(seconds)


def captions(*, enabled: bool) -> Callable[[EventFields], bytes]:
    """Return what makes the result of switching captions on or off."""

    def switched(fields: EventFields) -> bytes:
        return json_text({"extensions": present({TIME: _position(fields), CAPTIONS_ENABLED: enabled})})

    return switched


def watched(fields: EventFields) -> bytes:
    """Return that the video was seen to its end."""
    seconds = decimal_seconds(look(fields, "data", "duration"))
    result: Json = {"extensions": present({TIME: seconds}), "completion": True}
    if seconds is not None:
        result["duration"] = xapi_duration(seconds)
    return json_text(result)


def jump(fields: EventFields) -> bytes:
    """Return from where to where in the video the learner jumped."""
    before = decimal_seconds(look(fields, "data", "old_time"))
    after = decimal_seconds(look(fields, "data", "new_time"))
    return json_text({"extensions": present({TIME_FROM: before, TIME_TO: after})})


def speed(fields: EventFields) -> bytes:
    """Return the speed before and after."""
    before, after = look_text(fields, "data", "old_speed"), look_text(fields, "data", "new_speed")
    return json_text({"extensions": {SPEED_FROM: f"{before}x", SPEED_TO: f"{after}x"}})


def completion(fields: EventFields) -> bytes:
    """Return how much of the block is complete, in percent."""
    share = look(fields, "data", "completion")
    complete = b"true" if share == 1.0 else b"false"
    return b'{"completion":%b,"extensions":{"%b":%b}}' % (complete, PROGRESS, json_text(share * 100))


def problem_grade(fields: EventFields) -> bytes:
    """Return the weighted grade of a problem."""
    return _weighted_grade(fields["data"], "weighted_earned", "weighted_possible")


def subsection_grade(fields: EventFields) -> bytes:
    """Return the weighted grade of a subsection."""
    return _weighted_grade(fields["data"], "weighted_total_earned", "weighted_total_possible")


def course_grade(fields: EventFields) -> bytes:
    """Return the share of the course's points, and the letter that it gives."""
    share = fields["data"]["percent_grade"] or 0
    letter = look(fields, "data", "letter_grade") or "Fail"
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


def _weighted_grade(data: Any, earned_key: str, possible_key: str) -> bytes:
    if not isinstance(data, dict):
        raise Unusual
    earned, possible = data[earned_key] or 0, data[possible_key] or 0
    scaled = earned / possible if possible > 0 else 0
    return json_text({"success": bool(earned >= possible), "score": score(possible, earned, scaled)})


def _position(fields: EventFields) -> float | None:
    return decimal_seconds(look(fields, "data", "current_time") or look(fields, "data", "currentTime"))
