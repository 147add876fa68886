"""Contexts of xAPI statements: activities and extensions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.fields import UpstreamRejects, course_id_of, find, text, text_at, value_at
from log_replay.statements.native.parts import reads
from log_replay.statements.native.times import seconds_text
from log_replay.statements.native.xapi.objects import COURSE, DISCUSSION, EXAM_ATTEMPT, activity, without_nones
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform

SESSION_ID = b"https://w3id.org/xapi/openedx/extensions/session-id"
VIDEO_LENGTH = b"https://w3id.org/xapi/video/extensions/length"
STARTING_POSITION = b"http://id.tincanapi.com/extension/starting-position"
ENDING_POSITION = b"http://id.tincanapi.com/extension/ending-point"
TYPE = b"https://w3id.org/xapi/acrossx/extensions/type"
ATTEMPT_STARTED = "https://w3id.org/xapi/openedx/extension/attempt-started"
ATTEMPT_COMPLETED = "https://w3id.org/xapi/openedx/extension/attempt-completed"
ATTEMPT_ID = "http://id.tincanapi.com/extension/attempt-id"
DURATION = "http://id.tincanapi.com/extension/duration"

#: The extensions of an attempt at an exam, and the fields that they are in.
ATTEMPT_FIELDS = {
    ATTEMPT_STARTED: "attempt_started_at",
    ATTEMPT_COMPLETED: "attempt_completed_at",
    DURATION: "attempt_event_elapsed_time_secs",
    ATTEMPT_ID: "attempt_id",
}

SESSION = b',"%b":' % SESSION_ID

# Activities


@reads("context.course_id")
def in_course(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course as the parent, if the event has one.

    Raises:
        UnknownIdentity: the platform has no such course.
    """
    course_id = event.course_id
    if not course_id or type(course_id) is not str:
        return _with_parent(course_of(event, platform, identities))
    name = identities.course_name(course_id)
    return _with_course_as_parent(platform.root_url, course_id, name if type(name) is str else text(name))


def in_discussion(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course as the parent, and the thread of a post as the grouping if the event has it."""
    parent = course_of(event, platform, identities)
    discussion = value_at(event.fields, "data", "discussion")
    thread = discussion.get("id") if isinstance(discussion, dict) else None
    return _with_grouping(parent, thread_activity(platform, thread)) if thread else _with_parent(parent)


def thread_activity(platform: Platform, thread: object) -> bytes:
    """Return the thread with this id."""
    return activity(platform.iri("api/discussion/v1/threads", thread), {"type": DISCUSSION})


def in_exam_attempt(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course as the parent, and the attempt at the exam as the grouping."""
    fields = event.fields
    parent = course_of(event, platform, identities)
    definition = {
        "type": EXAM_ATTEMPT,
        "name": {"en": text_at(fields, "event", "exam_name")},
        "extensions": without_nones({iri: value_at(fields, "event", field) for iri, field in ATTEMPT_FIELDS.items()}),
    }
    return _with_grouping(parent, activity(value_at(fields, "event", "attempt_code"), definition))


def no_activities(_event: Event, _platform: Platform, _identities: Identities) -> bytes:
    """Return no activities: the object is the course itself."""
    return b""


def course_of(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the event's course in a list, or nothing if it has none.

    Raises:
        UnknownIdentity: the platform has no such course.
    """
    course_id = course_id_of(event)
    if course_id is None:
        return b""
    return _course(platform.root_url, course_id, text(identities.course_name(course_id)))


def _with_parent(parent: bytes) -> bytes:
    return b',"contextActivities":{"parent":%b}' % parent if parent else b""


def _with_grouping(parent: bytes, grouping: bytes) -> bytes:
    if not parent:
        raise UpstreamRejects("AttributeError", "context.course_id is missing")
    return b',"contextActivities":{"parent":%b,"grouping":[%b]}' % (parent, grouping)


@lru_cache(maxsize=1024)
def _course(root_url: str, course_id: str, name: str) -> bytes:
    return b"[%b]" % activity(f"{root_url}/course/{course_id}", {"type": COURSE, "name": {"en-US": name}})


@lru_cache(maxsize=1024)
def _with_course_as_parent(root_url: str, course_id: str, name: str) -> bytes:
    return _with_parent(_course(root_url, course_id, name))


# Extensions, as members of the context's extensions


def session(fields: EventFields) -> bytes:
    """Return the session, if the event has one."""
    id_ = find(fields, "session")
    return b"" if id_ is None else SESSION + json_text(id_)


def video_length(fields: EventFields) -> bytes:
    """Return the length of the video."""
    data = fields["data"]
    seconds = data.get("duration") if type(data) is dict else None
    if seconds:
        try:
            return _cached_length(seconds)
        except TypeError:  # a list or an object is not hashable
            raise UpstreamRejects("TypeError", "event.duration is not a number") from None
    return _length(seconds) if seconds == 0 else b""


def thread_type(fields: EventFields) -> bytes:
    """Return the type of the thread: discussion or question."""
    return _member(TYPE, find(fields, "thread_type"))


def vote_value(fields: EventFields) -> bytes:
    """Return the direction of the vote."""
    return _member(TYPE, find(fields, "vote_value"))


@reads("data.current_tab")
def move_to_next_unit(fields: EventFields) -> bytes:
    """Return the positions of a move to the next unit of a sequence."""
    return _move(fields, "next unit")


@reads("data.current_tab")
def move_to_previous_unit(fields: EventFields) -> bytes:
    """Return the positions of a move to the previous unit of a sequence."""
    return _move(fields, "previous unit")


@reads("data.current_tab", "data.target_tab")
def move_to_target_unit(fields: EventFields) -> bytes:
    """Return the positions of a move to any unit of a sequence."""
    return _move(fields, value_at(fields, "data", "target_tab"))


def _move(fields: EventFields, end: Any) -> bytes:
    data = fields["data"]
    start = (data.get("current_tab") if type(data) is dict else None) or value_at(fields, "data", "current_tab")
    # Other types are not cached: 1, 1.0 and True are the same key, and so are 0.0 and -0.0.
    cached = type(start) is int and type(end) in (int, str)
    return (_cached_positions if cached else _positions)(start, end)


def _positions(start: Any, end: Any) -> bytes:
    return _member(STARTING_POSITION, start) + _member(ENDING_POSITION, end)


_cached_positions = lru_cache(maxsize=1024)(_positions)


def _length(seconds: Any) -> bytes:
    return b',"%b":%b' % (VIDEO_LENGTH, seconds_text(seconds))


_cached_length = lru_cache(maxsize=4096)(_length)


def _member(iri: bytes, value: Any) -> bytes:
    return b"" if value is None else b',"%b":%b' % (iri, json_text(value))
