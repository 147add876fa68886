"""Objects of xAPI statements."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.fields import (
    course_id_of,
    find,
    required,
    required_at,
    text,
    text_at,
    value_at,
)
from log_replay.statements.native.parts import reads
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

COURSE_MODE = "https://w3id.org/xapi/acrossx/extensions/type"
TIME_LIMIT = "https://w3id.org/xapi/acrossx/extensions/time-limit"
TOTAL_ITEMS = "https://w3id.org/xapi/acrossx/extensions/total-items"

#: An object without an id, for which upstream gives no statement.
WITHOUT_ID = b""

#: An activity with an id.
ACTIVITY = b'{"id":%b,"objectType":"Activity","definition":%b}'

# Definitions with a type only
DISCUSSION_TYPE, INTERACTION_TYPE, LINK_TYPE, QUESTION_TYPE, RESOURCE_TYPE, SOLUTION_TYPE, INFO_TYPE, VIDEO_TYPE = (
    json_text({"type": iri})
    for iri in (DISCUSSION, INTERACTION, LINK, QUESTION, RESOURCE, SOLUTION, SUPPLEMENTAL_INFO, VIDEO)
)
# Definitions with a type and a name
NAMED_DISCUSSION, NAMED_MODULE = (b'{"type":"%b","name":{"en":%%b}}' % iri.encode() for iri in (DISCUSSION, MODULE))


def activity(iri: Any, definition: Json) -> bytes:
    """Return an activity. Without an IRI, it has no ``id``."""
    if iri is None:
        return json_text({"objectType": "Activity", "definition": definition})
    return ACTIVITY % (quoted(str(iri)), json_text(definition))


def block(platform: Platform, key: Any, definition: bytes) -> bytes:
    """Return the activity of the block with this usage key."""
    return ACTIVITY % (quoted(f"{platform.root_url}/xblock/{key}"), definition)


def without_nones(values: Json) -> Json:
    """Return the items whose value is not None."""
    return {iri: value for iri, value in values.items() if value is not None}


@reads("context.course_id")
def course(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course, with its name if the platform has one.

    Raises:
        UnknownIdentity: the platform has no such course.
    """
    return _course(event, platform, identities, {})


@reads("context.course_id", "data.mode")
def course_in_mode(event: Event, platform: Platform, identities: Identities) -> bytes:
    """Return the course, with the mode of the learner's enrolment.

    Raises:
        UnknownIdentity: the platform has no such course.
    """
    extensions = without_nones({COURSE_MODE: value_at(event.fields, "data", "mode")})
    return _course(event, platform, identities, {"extensions": extensions})


def _course(event: Event, platform: Platform, identities: Identities, members: Json) -> bytes:
    course_id = required(course_id_of(event), "context.course_id")
    name = identities.course_name(course_id)
    definition = {"type": COURSE, "name": {} if name is None else {"en": text(name)}, **members}
    return activity(platform.iri("course", course_id), definition)


@reads("context.course_id", "data.id")
def video(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the video."""
    course_id, data = event.course_id, event.fields["data"]
    video_id = data.get("id") if type(data) is dict else None
    if type(video_id) is str and video_id and type(course_id) is str and course_id:
        return _cached_video(platform.root_url, course_id, video_id)
    # Other types are not cached: 1, 1.0 and True are the same key, and so are 0.0 and -0.0.
    course_id, video_id = required(course_id_of(event), "context.course_id"), required_at(event.fields, "data", "id")
    return _video(platform.root_url, course_id, video_id)


def _video(root_url: str, course_id: str, video_id: Any) -> bytes:
    return ACTIVITY % (quoted(f"{root_url}/xblock/{video_key(course_id, video_id)}"), VIDEO_TYPE)


_cached_video = lru_cache(maxsize=4096)(_video)


def completed_block(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the block whose completion changed."""
    data = event.fields["data"]
    key = data.get("block_id") if type(data) is dict else None
    return block(platform, key, RESOURCE_TYPE) if key or key == 0 else WITHOUT_ID


def graded_subsection(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the subsection that was graded."""
    return block(platform, required_at(event.fields, "data", "block_id"), RESOURCE_TYPE)


def post(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the thread, response or comment."""
    fields = event.fields
    key = text(required_at(fields, "data", "id"))
    path = text(required_at(fields, "context", "path")).rstrip("/").replace(key, "").rstrip("/")
    title = value_at(fields, "data", "title")
    definition = NAMED_DISCUSSION % quoted(text(title)) if title else DISCUSSION_TYPE
    return ACTIVITY % (quoted(f"{platform.root_url}{path}/{key}"), definition)


@reads("data.target_url")
def link(event: Event, _platform: Platform, _identities: Identities) -> bytes:
    """Return the target of a link."""
    return ACTIVITY % (quoted(str(required_at(event.fields, "data", "target_url"))), LINK_TYPE)


@reads("data.target_name", "data.target_url")
def outline_entry(event: Event, _platform: Platform, _identities: Identities) -> bytes:
    """Return an entry of the course's outline."""
    fields = event.fields
    name, target = quoted(text_at(fields, "data", "target_name")), value_at(fields, "data", "target_url")
    return WITHOUT_ID if target is None else ACTIVITY % (quoted(str(target)), NAMED_MODULE % name)


@reads("data.id", "data.tab_count")
def sequence(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return a sequence of units."""
    fields = event.fields
    data = fields["data"]
    key = data.get("id") if type(data) is dict else None
    if not key and key != 0:
        return WITHOUT_ID
    return block(platform, key, sequence_definition(fields))


@reads("data.tab_count")
def sequence_definition(fields: EventFields) -> bytes:
    """Return the definition of a sequence of units."""
    units = value_at(fields, "data", "tab_count")
    # Other types are not cached: 1, 1.0 and True are the same key, and so are 0.0 and -0.0.
    return (_cached_sequence_definition if type(units) is int else _sequence_definition)(units)


def _sequence_definition(units: Any) -> bytes:
    return json_text({"type": RESOURCE, "extensions": without_nones({TOTAL_ITEMS: units})})


_cached_sequence_definition = lru_cache(maxsize=1024)(_sequence_definition)


def exam(kind: str) -> Object:
    """Return the function that returns an exam of this kind: ``timed``, ``practice`` or ``proctored``."""
    exam_type = f"https://w3id.org/xapi/openedx/activity/{kind}-assessment"

    @reads("event.exam_name", "event.exam_default_time_limit_mins", "event.exam_content_id")
    def exam_of_kind(event: Event, _platform: Platform, _identities: Identities) -> bytes:
        fields = event.fields
        definition = {
            "type": exam_type,
            "name": {"en": text_at(fields, "event", "exam_name")},
            "extensions": without_nones({TIME_LIMIT: value_at(fields, "event", "exam_default_time_limit_mins")}),
        }
        key = value_at(fields, "event", "exam_content_id")
        return WITHOUT_ID if key is None else activity(key, definition)

    return exam_of_kind


def problem_key(fields: EventFields, finder: Finder | None = None) -> Any:
    """Return the usage key of the problem, or None if only the page's address has it."""
    data = fields.get("data")
    if data and isinstance(data, dict):
        return data.get("problem_id") or required_at(fields, "data", "module_id")
    return finder.find("usage_key") if finder else find(fields, "usage_key")


@reads("data.problem_id", "data.module_id")
def problem(event: Event, _platform: Platform, _identities: Identities) -> bytes:
    """Return the problem. Its id is the usage key alone, as upstream's is."""
    key = problem_key(event.fields)
    return WITHOUT_ID if key is None else ACTIVITY % (quoted(str(key)), INTERACTION_TYPE)


def submitted_problem(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the problem whose answers were submitted."""
    key = problem_key(event.fields)
    return WITHOUT_ID if key is None else block(platform, key, QUESTION_TYPE)


def solution(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return the solution of a problem."""
    fields = event.fields
    problem_key(fields)
    return block(platform, f"{required(find(fields, 'problem_id'), 'event.problem_id')}/answer", SOLUTION_TYPE)


def hint(event: Event, platform: Platform, _identities: Identities) -> bytes:
    """Return a hint of a problem."""
    fields = event.fields
    problem_key(fields)
    key, index = (
        required(find(fields, "module_id"), "event.module_id"),
        required(find(fields, "hint_index"), "event.hint_index"),
    )
    return block(platform, f"{key}/hint/{index}", INFO_TYPE)
