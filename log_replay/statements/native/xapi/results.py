"""Results of xAPI statements."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.fields import UpstreamRejects, text_at, value_at
from log_replay.statements.native.parts import reads
from log_replay.statements.native.times import decimal_seconds, seconds_text, xapi_duration
from log_replay.statements.native.xapi.objects import without_nones
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

POSITION_RESULT = b'{"extensions":{"%b":%%b}}' % TIME.encode()
SEEK_RESULT = b'{"extensions":{"%b":%%b,"%b":%%b}}' % (TIME_FROM.encode(), TIME_TO.encode())
COMPLETION_RESULT = b'{"completion":%%b,"extensions":{"%b":%%b}}' % PROGRESS.encode()


def playback_position(fields: EventFields) -> bytes:
    """Return the position in the video."""
    seconds = _position(fields)
    return b'{"extensions":{}}' if seconds is None else POSITION_RESULT % seconds_text(seconds)


def captions_results(*, enabled: bool) -> tuple[bytes, bytes]:
    """Return the results of showing or hiding captions: a template with the position, and without a position."""
    with_position = b'{"extensions":{"%b":%%b,"%b":%b}}' % (
        TIME.encode(),
        CAPTIONS_ENABLED.encode(),
        json_text(enabled),
    )
    return with_position, json_text({"extensions": {CAPTIONS_ENABLED: enabled}})


def _captions(*, enabled: bool) -> Callable[[EventFields], bytes]:
    with_position, without_position = captions_results(enabled=enabled)

    def captions_result(fields: EventFields) -> bytes:
        seconds = _position(fields)
        return without_position if seconds is None else with_position % seconds_text(seconds)

    return captions_result


#: Return the result of showing or hiding captions.
captions_on, captions_off = _captions(enabled=True), _captions(enabled=False)


@reads("data.duration")
def watched(fields: EventFields) -> bytes:
    """Return the completion of a video."""
    seconds = decimal_seconds(value_at(fields, "data", "duration"))
    result: Json = {"extensions": without_nones({TIME: seconds}), "completion": True}
    if seconds is not None:
        result["duration"] = xapi_duration(seconds)
    return json_text(result)


def seek(fields: EventFields) -> bytes:
    """Return the positions before and after a jump in a video."""
    before, after = value_at(fields, "data", "old_time"), value_at(fields, "data", "new_time")
    if before is None or after is None:
        positions = without_nones({TIME_FROM: decimal_seconds(before), TIME_TO: decimal_seconds(after)})
        return json_text({"extensions": positions})
    return SEEK_RESULT % (seconds_text(before), seconds_text(after))


@reads("data.old_speed", "data.new_speed")
def speed(fields: EventFields) -> bytes:
    """Return the speeds before and after a change."""
    before, after = text_at(fields, "data", "old_speed"), text_at(fields, "data", "new_speed")
    return json_text({"extensions": {SPEED_FROM: f"{before}x", SPEED_TO: f"{after}x"}})


@reads("data.completion")
def completion(fields: EventFields) -> bytes:
    """Return the completion of a block, in percent."""
    share = value_at(fields, "data", "completion")
    if share is None:
        raise UpstreamRejects("TypeError", "event.completion is missing")
    # Other values are not cached: 1, 1.0 and True are the same key, and so are 0.0 and -0.0.
    return (_cached_completion if share and type(share) is float else _completion)(share)


def _completion(share: Any) -> bytes:
    return COMPLETION_RESULT % (b"true" if share == 1.0 else b"false", json_text(share * 100))


_cached_completion = lru_cache(maxsize=1024)(_completion)


@reads("data.weighted_earned", "data.weighted_possible")
def problem_grade(fields: EventFields) -> bytes:
    """Return the weighted grade of a problem."""
    data = fields["data"]
    try:
        return _weighted_grade(data["weighted_earned"] or 0, data["weighted_possible"] or 0)
    except (KeyError, TypeError) as error:
        raise _rejection(data, error) from None


@reads("data.weighted_total_earned", "data.weighted_total_possible")
def subsection_grade(fields: EventFields) -> bytes:
    """Return the weighted grade of a subsection."""
    data = fields["data"]
    try:
        return _weighted_grade(data["weighted_total_earned"] or 0, data["weighted_total_possible"] or 0)
    except (KeyError, TypeError) as error:
        raise _rejection(data, error) from None


def _rejection(data: Any, error: Exception) -> UpstreamRejects:
    """Return the rejection of an event without the grades, or with grades that are not numbers."""
    reason = type(error).__name__ if data else "TypeError"  # upstream reads empty data as None
    return UpstreamRejects(reason, "a grade is missing or not a number")


@lru_cache(maxsize=4096)
def _weighted_grade(earned: Any, possible: Any) -> bytes:
    """Return the result. Equal numbers give the same result, since the callers replace -0.0 with 0."""
    scaled = earned / possible if possible > 0 else 0
    return json_text({"success": bool(earned >= possible), "score": score(possible, earned, scaled)})


@reads("data.percent_grade", "data.letter_grade")
def course_grade(fields: EventFields) -> bytes:
    """Return the grade of a course: its share of all points, and its letter."""
    data = fields["data"]
    try:
        share = data["percent_grade"] or 0
    except (KeyError, TypeError) as error:
        raise _rejection(data, error) from None
    letter = data.get("letter_grade") or "Fail"
    return (_cached_course_grade if type(letter) is str else _course_grade)(share, letter)


def _course_grade(share: Any, letter: Any) -> bytes:
    return json_text({"score": score(1.0, share, share), "extensions": {GRADE_CLASSIFICATION: letter}})


_cached_course_grade = lru_cache(maxsize=4096)(_course_grade)


def score(maximum: Any, raw: Any, scaled: Any) -> Json:
    """Return a score in floating point numbers, without unknown values. The minimum is zero."""
    members = {"min": 0.0}
    if maximum is not None:
        members["max"] = float(maximum)
    if raw is not None:
        members["raw"] = float(raw)
    if scaled is not None:
        members["scaled"] = float(scaled)
    return members


def _position(fields: EventFields) -> Any:
    data = fields["data"]
    seconds = data.get("current_time") or data.get("currentTime")
    return seconds if seconds or seconds == 0 else None
