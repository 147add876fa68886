"""Problems: what their Caliper events are about, and what an attempt gave."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.caliper.envelope import json_of, person
from log_replay.statements.native.caliper.event import (
    BLOCKS,
    NOWHERE,
    caliper_event,
    course_named,
    member,
)
from log_replay.statements.native.fields import UnsupportedEvent, UpstreamRejects, acting_user, find, value_at
from log_replay.statements.native.usage_keys import problem_key_from_page

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields, Statement
    from log_replay.statements.native.caliper.event import Object
    from log_replay.statements.native.platform import Platform


def problem_check(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
    """Return that a learner's attempt was graded, or, where a browser says so, that answers were handed in."""
    context = event.fields.get("context")
    if type(context) is dict and context.get("event_source") == "server":
        return _graded(event, platform, identities)
    return _submitted(event, platform, identities)


def problem(object_type: str) -> Object:
    """Return what makes the problem as an object of this type."""

    def attempted(event: Event, platform: Platform, _identities: Identities) -> str:
        key = _problem_key(event)
        make = _block if type(key) is str else _block.__wrapped__  # 1, 1.0 and True are one key of the cache
        return make(object_type, "", key, event.course_id, platform)

    return attempted


def solution(event: Event, platform: Platform, _identities: Identities) -> str:
    """Return the answer that the problem shows."""
    return _block("Annotation", "Solution", f"{_problem_key(event)}/solution", event.course_id, platform)


def hint(event: Event, platform: Platform, _identities: Identities) -> str:
    """Return the hint."""
    index = _details(event.fields).get("hint_index", "")
    return _block("Annotation", "Hint", f"{_problem_key(event)}/hint/{index}", event.course_id, platform)


def _attempt(event: Event, platform: Platform, identities: Identities) -> str:
    """Return the learner's attempt: one assignee's turn at one assignable problem."""
    key, learner = _problem_key(event), identities.external_id(acting_user(event))
    count = _details(event.fields).get("attempts", "")
    course = course_named(event.course_id, platform)
    if course is NOWHERE:
        raise UnsupportedEvent
    block = platform.iri("xblock", key)
    iri, assignable = json_of(f"{block}/user/{learner}/attempt/{count}"), json_of({"id": block, "type": "Assessment"})
    assignee = person(learner, platform)
    extensions = f'{course.part_of},"assignee":{assignee},"assignable":{assignable}{member("count", count)}'
    return f'{{"id":{iri},"type":"Attempt","extensions":{{{extensions[1:]}}}}}'


def _score(fields: EventFields) -> str:
    known = (
        member("maxScore", find(fields, "max_grade"))
        + member("scoreGiven", find(fields, "grade"))
        + member("attempts", find(fields, "attempts"))
    )
    success = "True" if find(fields, "success") == "correct" else "False"
    return f'{{"score":{{"id":"_:score","type":"Score"{known},"extensions":{{"success":"{success}"}}}}}}'


_graded = caliper_event("GradeEvent", "Graded", _attempt, generated=_score)
_submitted = caliper_event("AssessmentEvent", "Submitted", problem("Assessment"))


@lru_cache(maxsize=BLOCKS)
def _block(object_type: str, name: str, key: Any, course_id: Any, platform: Platform) -> str:
    iri, extensions = json_of(platform.iri("xblock", key)), course_named(course_id, platform).extensions
    return f'{{"id":{iri},"type":"{object_type}"{member("name", name)}{extensions}}}'


def _problem_key(event: Event) -> Any:
    fields = event.fields
    data = fields["data"]
    if data and type(data) is dict:
        key = data["problem_id"] if "problem_id" in data else data.get("module_id")
        if key:
            return key
    page = value_at(fields, "context", "referer")
    if page is None:  # as in all that browsers post, unless another process than the LMS's logged it
        raise UpstreamRejects("ValueError")
    return problem_key_from_page(page, data, event.course_id)


def _details(fields: EventFields) -> dict[str, Any]:
    data = find(fields, "data")
    if not isinstance(data, dict):
        raise UnsupportedEvent
    return data
