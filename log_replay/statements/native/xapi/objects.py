"""Objects: what a statement is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.statements.native.blocks import video_key
from log_replay.statements.native.reading import find, look, look_required, look_text, required, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.lms import Identities
    from log_replay.records import EventFields
    from log_replay.statements.native.platform import Platform

    Object = Callable[[EventFields, Platform, Identities], dict[str, Any]]

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


def activity(iri: Any, definition: Json, object_type: str = "Activity") -> Json:
    """Return an activity; one without an IRI has no ``id``."""
    if iri is None:
        return {"objectType": object_type, "definition": definition}
    return {"id": str(iri), "objectType": object_type, "definition": definition}


def extension(iri: str, value: Any) -> Json:
    """Return the extension, if it has a value."""
    return {} if value is None else {iri: value}


def extensions(values: Json) -> Json:
    """Return the extensions that have a value."""
    return {iri: value for iri, value in values.items() if value is not None}


def course(fields: EventFields, platform: Platform, identities: Identities) -> Json:
    """Return the course, by the name that the platform has for it, if any.

    Raises:
        UnknownIdentity: the platform does not know the course.
    """
    course_id = look_text(fields, "context", "course_id")
    name = identities.course_name(course_id)
    definition = {"type": COURSE, "name": {} if name is None else {"en": text(name)}}
    return activity(platform.iri("course", course_id), definition)


def course_in_mode(fields: EventFields, platform: Platform, identities: Identities) -> Json:
    """Return the course, and the mode in which the learner takes it."""
    made = course(fields, platform, identities)
    made["definition"]["extensions"] = extension(KIND, look(fields, "data", "mode"))
    return made


def video(fields: EventFields, platform: Platform, _identities: Identities) -> Json:
    """Return the video."""
    key = video_key(look(fields, "context", "course_id"), look_required(fields, "data", "id"))
    return activity(platform.iri("xblock", key), {"type": VIDEO})


def completed_block(fields: EventFields, platform: Platform, _identities: Identities) -> Json:
    """Return the block whose completion changed."""
    return activity(platform.iri("xblock", look_required(fields, "data", "block_id")), {"type": RESOURCE})


graded_subsection = completed_block


def post(fields: EventFields, platform: Platform, _identities: Identities) -> Json:
    """Return the thread, response or comment."""
    key = look_text(fields, "data", "id")
    path = look_text(fields, "context", "path").rstrip("/").replace(key, "").rstrip("/")
    definition: Json = {"type": DISCUSSION}
    title = look(fields, "data", "title")
    if title:
        definition["name"] = {"en": text(title)}
    return activity(f"{platform.root_url}{path}/{key}", definition)


def link(fields: EventFields, _platform: Platform, _identities: Identities) -> Json:
    """Return what the link leads to."""
    return activity(look_required(fields, "data", "target_url"), {"type": LINK})


def outline_entry(fields: EventFields, _platform: Platform, _identities: Identities) -> Json:
    """Return the entry of the course's outline."""
    name = look_text(fields, "data", "target_name")
    return activity(look_required(fields, "data", "target_url"), {"type": MODULE, "name": {"en": name}})


def sequence(fields: EventFields, platform: Platform, _identities: Identities) -> Json:
    """Return the sequence of units."""
    definition = {"type": RESOURCE, "extensions": extension(TOTAL_ITEMS, look(fields, "data", "tab_count"))}
    return activity(platform.iri("xblock", look_required(fields, "data", "id")), definition)


def exam(kind: str) -> Object:
    """Return what makes the object of an exam: ``timed``, ``practice`` or ``proctored``."""
    exam_type = f"https://w3id.org/xapi/openedx/activity/{kind}-assessment"

    def exam_of_kind(fields: EventFields, _platform: Platform, _identities: Identities) -> Json:
        definition = {
            "type": exam_type,
            "name": {"en": look_text(fields, "event", "exam_name")},
            "extensions": extension(TIME_LIMIT, look(fields, "event", "exam_default_time_limit_mins")),
        }
        return activity(look_required(fields, "event", "exam_content_id"), definition)

    return exam_of_kind


def problem_key(fields: EventFields) -> Any:
    """Return the usage key of the problem, or None where only the page says it."""
    data = fields.get("data")
    if data and isinstance(data, dict):
        return look(fields, "data", "problem_id") or look_required(fields, "data", "module_id")
    return find(fields, "usage_key")


def problem(fields: EventFields, _platform: Platform, _identities: Identities) -> Json:
    """Return the problem, under its bare usage key."""
    return activity(required(problem_key(fields)), {"type": INTERACTION})


def submitted_problem(fields: EventFields, platform: Platform, _identities: Identities) -> Json:
    """Return the problem whose answers were handed in."""
    return activity(platform.iri("xblock", required(problem_key(fields))), {"type": QUESTION})


def solution(fields: EventFields, platform: Platform, _identities: Identities) -> Json:
    """Return the answer that the problem shows."""
    problem_key(fields)
    shown = platform.iri("xblock", required(find(fields, "problem_id")))
    return activity(f"{shown}/answer", {"type": SOLUTION})


def hint(fields: EventFields, platform: Platform, _identities: Identities) -> Json:
    """Return the hint."""
    problem_key(fields)
    shown = platform.iri("xblock", required(find(fields, "module_id")))
    return activity(f"{shown}/hint/{required(find(fields, 'hint_index'))}", {"type": SUPPLEMENTAL_INFO})
