"""Contexts: where a statement belongs, and what of the circumstances goes into its extensions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.fields import UnsupportedEvent, course_id_of, find, text, text_at, value_at
from log_replay.statements.native.times import seconds_text
from log_replay.statements.native.xapi.objects import COURSE, DISCUSSION, EXAM_ATTEMPT, activity, present
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform

SESSION_ID = b"https://w3id.org/xapi/openedx/extensions/session-id"
VIDEO_LENGTH = b"https://w3id.org/xapi/video/extensions/length"
STARTING_POSITION = b"http://id.tincanapi.com/extension/starting-position"
ENDING_POSITION = b"http://id.tincanapi.com/extension/ending-point"
KIND = b"https://w3id.org/xapi/acrossx/extensions/type"
ATTEMPT_STARTED = "https://w3id.org/xapi/openedx/extension/attempt-started"
ATTEMPT_COMPLETED = "https://w3id.org/xapi/openedx/extension/attempt-completed"
ATTEMPT_ID = "http://id.tincanapi.com/extension/attempt-id"
DURATION = "http://id.tincanapi.com/extension/duration"

SESSION = b',"%b":' % SESSION_ID

# Activities


def in_course(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course as the parent, if the event names one.

    Raises:
        UnknownIdentity: the platform does not know the course.
    """
    course_id = event.course_id
    if not course_id or type(course_id) is not str:
        return _within(course_of(event, platform, identities))
    name = identities.course_name(course_id)
    return _within_course(platform.root_url, course_id, name if type(name) is str else text(name))


def in_discussion(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course as the parent, and the discussion around a post where the event names it."""
    parent = course_of(event, platform, identities)
    discussion = value_at(event.fields, "data", "discussion")
    thread = discussion.get("id") if isinstance(discussion, dict) else None
    if not thread:
        return _within(parent)
    return _grouped(parent, activity(platform.iri("api/discussion/v1/threads", thread), {"type": DISCUSSION}))


def in_exam_attempt(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course as the parent, and the attempt at the exam."""
    fields = event.fields
    parent = course_of(event, platform, identities)
    definition = {
        "type": EXAM_ATTEMPT,
        "name": {"en": text_at(fields, "event", "exam_name")},
        "extensions": present(
            {
                ATTEMPT_STARTED: value_at(fields, "event", "attempt_started_at"),
                ATTEMPT_COMPLETED: value_at(fields, "event", "attempt_completed_at"),
                DURATION: value_at(fields, "event", "attempt_event_elapsed_time_secs"),
                ATTEMPT_ID: value_at(fields, "event", "attempt_id"),
            }
        ),
    }
    return _grouped(parent, activity(value_at(fields, "event", "attempt_code"), definition))


def nowhere(_event: Event, _platform: Platform, _identities: Identities) -> bytes:
    """Return no activities: the statement is about the course itself."""
    return b""


def course_of(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the event's course in a list, or nothing where it names none.

    Raises:
        UnknownIdentity: the platform does not know the course.
    """
    course_id = course_id_of(event)
    if course_id is None:
        return b""
    return _course(platform.root_url, course_id, text(identities.course_name(course_id)))


def _within(parent: bytes) -> bytes:
    return b',"contextActivities":{"parent":%b}' % parent if parent else b""


def _grouped(parent: bytes, group: bytes) -> bytes:
    if not parent:
        raise UnsupportedEvent
    return b',"contextActivities":{"parent":%b,"grouping":[%b]}' % (parent, group)


@lru_cache(maxsize=1024)
def _course(root_url: str, course_id: str, name: str) -> bytes:
    return b"[%b]" % activity(f"{root_url}/course/{course_id}", {"type": COURSE, "name": {"en-US": name}})


@lru_cache(maxsize=1024)
def _within_course(root_url: str, course_id: str, name: str) -> bytes:
    return _within(_course(root_url, course_id, name))


# Extensions, as members of the context's


def session(fields: EventFields) -> bytes:
    """Return the session, if the event names one."""
    id_ = find(fields, "session")
    return b"" if id_ is None else SESSION + json_text(id_)


def video_length(fields: EventFields) -> bytes:
    """Return how long the video is."""
    seconds = fields["data"].get("duration")
    if seconds or type(seconds) is int:
        return _length(seconds)
    return _length.__wrapped__(seconds) if seconds == 0 else b""


def thread_type(fields: EventFields) -> bytes:
    """Return whether the thread is a discussion or a question."""
    return _member(KIND, find(fields, "thread_type"))


def vote_value(fields: EventFields) -> bytes:
    """Return whether the vote went up or down."""
    return _member(KIND, find(fields, "vote_value"))


def to_next_unit(fields: EventFields) -> bytes:
    """Return where in the sequence the learner was, on the way to the next unit."""
    return _move(fields, "next unit")


def to_previous_unit(fields: EventFields) -> bytes:
    """Return where in the sequence the learner was, on the way to the previous unit."""
    return _move(fields, "previous unit")


def to_chosen_unit(fields: EventFields) -> bytes:
    """Return where in the sequence the learner was, and which unit was chosen."""
    return _move(fields, value_at(fields, "data", "target_tab"))


def _move(fields: EventFields, target: Any) -> bytes:
    start = fields["data"].get("current_tab") or value_at(fields, "data", "current_tab")
    # What only equals a number is none: 1, 1.0 and True are one key of the cache.
    kept = type(start) is int and type(target) in (int, str)
    return _moved(start, target) if kept else _moved.__wrapped__(start, target)


@lru_cache(maxsize=1024)
def _moved(start: Any, end: Any) -> bytes:
    return _member(STARTING_POSITION, start) + _member(ENDING_POSITION, end)


@lru_cache(maxsize=4096)
def _length(seconds: Any) -> bytes:
    """Return the member of a length; only -0.0 is not what its equals are, which are one key of the cache."""
    return b',"%b":%b' % (VIDEO_LENGTH, seconds_text(seconds))


def _member(iri: bytes, value: Any) -> bytes:
    return b"" if value is None else b',"%b":%b' % (iri, json_text(value))
