"""Transforms and objects of Caliper events about problems."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.caliper.envelope import json_of, json_of_text, person
from log_replay.statements.native.caliper.event import (
    CACHED_BLOCKS,
    NO_COURSE,
    caliper_event,
    course_members,
    may_be_cached,
    member,
)
from log_replay.statements.native.fields import Finder, UpstreamRejects, acting_user, find, value_at
from log_replay.statements.native.parts import reads
from log_replay.statements.native.usage_keys import problem_key_from_page

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields, Statement
    from log_replay.statements.native.caliper.event import Object
    from log_replay.statements.native.platform import Platform


def problem_check(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
    """Return the grade of an attempt, or for a browser's event the submission of the answers."""
    context = event.fields.get("context")
    if type(context) is dict and context.get("event_source") == "server":
        return graded(event, platform, identities)
    return submitted(event, platform, identities)


#: The types of problems in objects, by the function that returns the object.
TYPES: dict[Object, str] = {}


def problem(object_type: str) -> Object:
    """Return the function that returns the problem as an object of this type."""

    @reads("context.course_id", "context.referer", "data.problem_id", "data.module_id")
    def problem_of_type(event: Event, platform: Platform, _identities: Identities) -> str:
        return _block(object_type, "", _problem_key(event), event.course_id, platform)

    TYPES[problem_of_type] = object_type
    return problem_of_type


@reads("context.course_id", "context.referer", "data.problem_id", "data.module_id")
def solution(event: Event, platform: Platform, _identities: Identities) -> str:
    """Return the solution of a problem."""
    return _block("Annotation", "Solution", f"{_problem_key(event)}/solution", event.course_id, platform)


def hint(event: Event, platform: Platform, _identities: Identities) -> str:
    """Return a hint of a problem."""
    key = _problem_key(event)
    index = _data(event.fields).get("hint_index", "")
    return _block("Annotation", "Hint", f"{key}/hint/{index}", event.course_id, platform)


def attempt(event: Event, platform: Platform, identities: Identities) -> str:
    """Return a learner's attempt at a problem: the assignee's attempt at the assignable."""
    key, external_id = _problem_key(event), identities.external_id(acting_user(event))
    count = _data(event.fields).get("attempts", "")
    course = course_members(event.course_id, platform)
    if course is NO_COURSE:
        raise UpstreamRejects("KeyError", "context.course_id is missing")
    problem_iri = platform.iri("xblock", key)
    iri = json_of_text(f"{problem_iri}/user/{external_id}/attempt/{count}")
    id_ = "" if key is None else f'"id":{json_of_text(problem_iri)},'
    assignee, assignable = person(external_id, platform), f'{{{id_}"type":"Assessment"}}'
    extensions = f'{course.part_of},"assignee":{assignee},"assignable":{assignable}{member("count", count)}'
    return f'{{"id":{iri},"type":"Attempt","extensions":{{{extensions[1:]}}}}}'


@reads("any.max_grade", "any.grade", "any.attempts", "any.success")
def _score(fields: EventFields) -> str:
    value = Finder(fields).find
    members = (
        member("maxScore", value("max_grade"))
        + member("scoreGiven", value("grade"))
        + member("attempts", value("attempts"))
    )
    success = "True" if value("success") == "correct" else "False"
    return f'{{"score":{{"id":"_:score","type":"Score"{members},"extensions":{{"success":"{success}"}}}}}}'


graded = caliper_event("GradeEvent", "Graded", attempt, generated=_score)
submitted = caliper_event("AssessmentEvent", "Submitted", problem("Assessment"))


def _block(object_type: str, name: str, key: Any, course_id: Any, platform: Platform) -> str:
    new_block = _cached_block if may_be_cached(key, course_id) else _new_block
    return new_block(object_type, name, key, course_id, platform)


def _new_block(object_type: str, name: str, key: Any, course_id: Any, platform: Platform) -> str:
    id_ = "" if key is None else f'"id":{json_of(platform.iri("xblock", key))},'
    return f'{{{id_}"type":"{object_type}"{member("name", name)}{course_members(course_id, platform).extensions}}}'


_cached_block = lru_cache(maxsize=CACHED_BLOCKS)(_new_block)


def _problem_key(event: Event) -> Any:
    """Return the usage key of the problem, or None: then upstream's object has no id, or an id with "None"."""
    fields = event.fields
    data = fields["data"]
    if data and type(data) is dict:
        key = data["problem_id"] if "problem_id" in data else data.get("module_id")
        if key:
            return key
    referer = value_at(fields, "context", "referer")
    if referer is None:  # as in all browser events, unless another process than the LMS's logged them
        raise UpstreamRejects("ValueError", "the problem has no id")
    return problem_key_from_page(referer, data, event.course_id)


def _data(fields: EventFields) -> dict[str, Any]:
    data = find(fields, "data")
    if not isinstance(data, dict):
        raise UpstreamRejects("AttributeError", "event is not an object")
    return data
