"""Contexts: where a statement belongs, and what of the circumstances goes into its extensions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.reading import Unusual, find, look, look_text, text
from log_replay.statements.native.times import decimal_seconds
from log_replay.statements.native.xapi.objects import COURSE, DISCUSSION, EXAM_ATTEMPT, activity, extension, extensions

if TYPE_CHECKING:
    from log_replay.lms import Identities
    from log_replay.records import EventFields
    from log_replay.statements.native.platform import Platform

Json = dict[str, Any]

TRANSFORMER_VERSION = "https://w3id.org/xapi/openedx/extension/transformer-version"
SESSION_ID = "https://w3id.org/xapi/openedx/extensions/session-id"
VIDEO_LENGTH = "https://w3id.org/xapi/video/extensions/length"
STARTING_POSITION = "http://id.tincanapi.com/extension/starting-position"
ENDING_POSITION = "http://id.tincanapi.com/extension/ending-point"
KIND = "https://w3id.org/xapi/acrossx/extensions/type"
ATTEMPT_STARTED = "https://w3id.org/xapi/openedx/extension/attempt-started"
ATTEMPT_COMPLETED = "https://w3id.org/xapi/openedx/extension/attempt-completed"
ATTEMPT_ID = "http://id.tincanapi.com/extension/attempt-id"
DURATION = "http://id.tincanapi.com/extension/duration"


# Activities


def in_course(fields: EventFields, platform: Platform, identities: Identities) -> Json | None:
    """Return the course as the parent, if the event names one.

    Raises:
        UnknownIdentity: the platform does not know the course.
    """
    course_id = look(fields, "context", "course_id")
    if course_id is None:
        return None
    name = identities.course_name(text(course_id))
    return _course_parent(platform.root_url, course_id, text(name))


def in_discussion(fields: EventFields, platform: Platform, identities: Identities) -> Json | None:
    """Return the course as the parent, and the discussion around a post where the event names it."""
    activities = in_course(fields, platform, identities)
    discussion = look(fields, "data", "discussion")
    thread = discussion.get("id") if isinstance(discussion, dict) else None
    if not thread:
        return activities
    return _grouped(activities, activity(platform.iri("api/discussion/v1/threads", thread), {"type": DISCUSSION}))


def in_exam_attempt(fields: EventFields, platform: Platform, identities: Identities) -> Json | None:
    """Return the course as the parent, and the attempt at the exam."""
    activities = in_course(fields, platform, identities)
    definition = {
        "type": EXAM_ATTEMPT,
        "name": {"en": look_text(fields, "event", "exam_name")},
        "extensions": extensions(
            {
                ATTEMPT_STARTED: look(fields, "event", "attempt_started_at"),
                ATTEMPT_COMPLETED: look(fields, "event", "attempt_completed_at"),
                DURATION: look(fields, "event", "attempt_event_elapsed_time_secs"),
                ATTEMPT_ID: look(fields, "event", "attempt_id"),
            }
        ),
    }
    return _grouped(activities, activity(look(fields, "event", "attempt_code"), definition))


def nowhere(_fields: EventFields, _platform: Platform, _identities: Identities) -> None:
    """Return no activities: the statement is about the course itself."""


def _grouped(activities: Json | None, group: Json) -> Json:
    if activities is None:
        raise Unusual
    return {**activities, "grouping": [group]}


@lru_cache(maxsize=1024)
def _course_parent(root_url: str, course_id: str, name: str) -> Json:
    return {"parent": [activity(f"{root_url}/course/{course_id}", {"type": COURSE, "name": {"en-US": name}})]}


# Extensions


def video_length(fields: EventFields) -> Json:
    """Return how long the video is."""
    return extension(VIDEO_LENGTH, decimal_seconds(look(fields, "data", "duration")))


def thread_type(fields: EventFields) -> Json:
    """Return whether the thread is a discussion or a question."""
    return extension(KIND, find(fields, "thread_type"))


def vote_value(fields: EventFields) -> Json:
    """Return whether the vote went up or down."""
    return extension(KIND, find(fields, "vote_value"))


def to_next_unit(fields: EventFields) -> Json:
    """Return where in the sequence the learner was, on the way to the next unit."""
    return _move(fields, "next unit")


def to_previous_unit(fields: EventFields) -> Json:
    """Return where in the sequence the learner was, on the way to the previous unit."""
    return _move(fields, "previous unit")


def to_chosen_unit(fields: EventFields) -> Json:
    """Return where in the sequence the learner was, and which unit was chosen."""
    return _move(fields, look(fields, "data", "target_tab"))


def _move(fields: EventFields, target: Any) -> Json:
    return extensions({STARTING_POSITION: look(fields, "data", "current_tab"), ENDING_POSITION: target})
