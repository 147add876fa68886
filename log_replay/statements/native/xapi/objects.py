"""Objects: what a statement is about."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.fields import course_id_of, find, required, required_at, text, text_at, value_at
from log_replay.statements.native.usage_keys import video_key
from log_replay.statements.serialise import json_text, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.fields import Finder
    from log_replay.statements.native.platform import Platform

    Object = Callable[[Event, Platform, Identities], bytes]

Json = dict[str, Any]

COURSE = "http://adlnet.gov/expapi/activities/course"
DISCUSSION = "http://id.tincanapi.com/activitytype/discussion"
EXAM_ATTEMPT = "http://adlnet.gov/expapi/activities/attempt"
INTERACTION = "http://adlnet.gov/expapi/activities/cmi.interaction"
LINK = "http://adlnet.gov/expapi/activities/link"
MODULE = "http://adlnet.gov/expapi/activities/module"
QUESTION = "http://adlnet.gov/expapi/activities/question"
RESOURCE = "http://id.tincanapi.com/activitytype/resource"
SOLUTION = "http://id.tincanapi.com/activitytype/solution"
SUPPLEMENTAL_INFO = "https://w3id.org/xapi/acrossx/extensions/supplemental-info"
VIDEO = "https://w3id.org/xapi/video/activity-type/video"

KIND = "https://w3id.org/xapi/acrossx/extensions/type"
TIME_LIMIT = "https://w3id.org/xapi/acrossx/extensions/time-limit"
TOTAL_ITEMS = "https://w3id.org/xapi/acrossx/extensions/total-items"

#: An activity.
ACTIVITY = b'{"id":%b,"objectType":"Activity","definition":%b}'

# Definitions of which nothing but the type is known
OF_DISCUSSION, OF_INTERACTION, OF_LINK, OF_QUESTION, OF_RESOURCE, OF_SOLUTION, OF_SUPPLEMENTAL_INFO, OF_VIDEO = (
    json_text({"type": iri})
    for iri in (DISCUSSION, INTERACTION, LINK, QUESTION, RESOURCE, SOLUTION, SUPPLEMENTAL_INFO, VIDEO)
)
# ... and the name
OF_NAMED_DISCUSSION, OF_NAMED_MODULE = (
    b'{"type":"%b","name":{"en":%%b}}' % iri.encode() for iri in (DISCUSSION, MODULE)
)


def activity(iri: Any, definition: Json) -> bytes:
    """Return an activity; one without an IRI has no ``id``."""
    if iri is None:
        return json_text({"objectType": "Activity", "definition": definition})
    return ACTIVITY % (quoted(str(iri)), json_text(definition))


def block(platform: Platform, key: Any, definition: bytes) -> bytes:
    """Return the activity of the block with this usage key."""
    return ACTIVITY % (quoted(f"{platform.root_url}/xblock/{key}"), definition)


def present(values: Json) -> Json:
    """Return the values that there are."""
    return {iri: value for iri, value in values.items() if value is not None}


def course(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course, by the name that the platform has for it, if any.

    Raises:
        UnknownIdentity: the platform does not know the course.
    """
    return _course(event, platform, identities, {})


def course_in_mode(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course, and the mode in which the learner takes it."""
    extensions = present({KIND: value_at(event.fields, "data", "mode")})
    return _course(event, platform, identities, {"extensions": extensions})


def _course(event: Event, platform: Platform, identities: Identities, more: Json) -> bytes:
    course_id = required(course_id_of(event))
    name = identities.course_name(course_id)
    definition = {"type": COURSE, "name": {} if name is None else {"en": text(name)}, **more}
    return activity(platform.iri("course", course_id), definition)


def video(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the video."""
    course_id, video_id = event.course_id, event.fields["data"]["id"]
    if type(video_id) is str and video_id and type(course_id) is str and course_id:
        return _video(platform.root_url, course_id, video_id)
    # What only equals a text is none: 1, 1.0 and True are one key of the cache.
    course_id, video_id = required(course_id_of(event)), required_at(event.fields, "data", "id")
    return _video.__wrapped__(platform.root_url, course_id, video_id)


@lru_cache(maxsize=4096)
def _video(root_url: str, course_id: str, video_id: Any) -> bytes:
    return ACTIVITY % (quoted(f"{root_url}/xblock/{video_key(course_id, video_id)}"), OF_VIDEO)


def completed_block(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the block whose completion changed."""
    fields = event.fields
    return block(platform, fields["data"]["block_id"] or required_at(fields, "data", "block_id"), OF_RESOURCE)


graded_subsection = completed_block


def post(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the thread, response or comment."""
    fields = event.fields
    key = text_at(fields, "data", "id")
    path = text_at(fields, "context", "path").rstrip("/").replace(key, "").rstrip("/")
    title = value_at(fields, "data", "title")
    definition = OF_NAMED_DISCUSSION % quoted(text(title)) if title else OF_DISCUSSION
    return ACTIVITY % (quoted(f"{platform.root_url}{path}/{key}"), definition)


def link(event: Event, _platform: Platform, _identities: Identities) -> bytes:
    """Return what the link leads to."""
    return ACTIVITY % (quoted(_target(event.fields)), OF_LINK)


def outline_entry(event: Event, _platform: Platform, _identities: Identities) -> bytes:
    """Return the entry of the course's outline."""
    fields = event.fields
    name = quoted(text_at(fields, "data", "target_name"))
    return ACTIVITY % (quoted(_target(fields)), OF_NAMED_MODULE % name)


def _target(fields: EventFields) -> str:
    return str(fields["data"]["target_url"] or required_at(fields, "data", "target_url"))


def sequence(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the sequence of units."""
    fields = event.fields
    data = fields["data"]
    units = data.get("tab_count") or value_at(fields, "data", "tab_count")
    # What only equals a number is none: 1, 1.0 and True are one key of the cache.
    definition = _sequence_of(units) if type(units) is int else _sequence_of.__wrapped__(units)
    return block(platform, data["id"] or required_at(fields, "data", "id"), definition)


@lru_cache(maxsize=1024)
def _sequence_of(units: Any) -> bytes:
    """Return the definition of a sequence of so many units."""
    return json_text({"type": RESOURCE, "extensions": present({TOTAL_ITEMS: units})})


def exam(kind: str) -> Object:
    """Return what makes the object of an exam: ``timed``, ``practice`` or ``proctored``."""
    exam_type = f"https://w3id.org/xapi/openedx/activity/{kind}-assessment"

    def exam_of_kind(event: Event, _platform: Platform, _identities: Identities) -> bytes:
        fields = event.fields
        definition = {
            "type": exam_type,
            "name": {"en": text_at(fields, "event", "exam_name")},
            "extensions": present({TIME_LIMIT: value_at(fields, "event", "exam_default_time_limit_mins")}),
        }
        return activity(required_at(fields, "event", "exam_content_id"), definition)

    return exam_of_kind


def problem_key(fields: EventFields, finder: Finder | None = None) -> Any:
    """Return the usage key of the problem, or None where only the page says it."""
    data = fields.get("data")
    if data and isinstance(data, dict):
        return data.get("problem_id") or required_at(fields, "data", "module_id")
    return finder.find("usage_key") if finder else find(fields, "usage_key")


def problem(event: Event, _platform: Platform, _identities: Identities) -> bytes:
    """Return the problem, under its bare usage key."""
    return ACTIVITY % (quoted(str(required(problem_key(event.fields)))), OF_INTERACTION)


def submitted_problem(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the problem whose answers were handed in."""
    return block(platform, required(problem_key(event.fields)), OF_QUESTION)


def solution(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the answer that the problem shows."""
    fields = event.fields
    problem_key(fields)
    return block(platform, f"{required(find(fields, 'problem_id'))}/answer", OF_SOLUTION)


def hint(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the hint."""
    fields = event.fields
    problem_key(fields)
    key, index = required(find(fields, "module_id")), required(find(fields, "hint_index"))
    return block(platform, f"{key}/hint/{index}", OF_SUPPLEMENTAL_INFO)
