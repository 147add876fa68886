"""Problems: what their Caliper events are about, and what an attempt gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.statements.native.blocks import problem_of_page
from log_replay.statements.native.caliper.event import (
    caliper_event,
    deed,
    enveloped,
    opening,
    part_of_course,
    person,
    present,
)
from log_replay.statements.native.reading import Unusual, UpstreamRejects, acting_user, find, look, required
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from log_replay.lms import Identities
    from log_replay.records import Event, EventFields, Statement
    from log_replay.statements.native.platform import Platform

Json = dict[str, Any]

GRADED = deed("GradeEvent", "Graded")


def problem_check(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
    """Return that a learner's attempt was graded, or, where a browser says so, that answers were handed in."""
    if look(event.fields, "context", "event_source") != "server":
        return _submitted(event, platform, identities)
    time, begun = opening(GRADED, event, platform, identities)
    attempt, score = _attempt(event, platform, identities), _score(event.fields)
    made = b'%b},"object":%b,"generated":{"score":%b}' % (begun, json_text(attempt), json_text(score))
    return (enveloped(time, made, event, platform),)


def assessment(event: Event, platform: Platform, _identities: Identities) -> Json:
    """Return the problem that was attempted."""
    return _about("Assessment", _problem_key(event), event, platform)


def completed_problem(event: Event, platform: Platform, _identities: Identities) -> Json:
    """Return the problem that was completed."""
    return _about("AssessmentItem", _problem_key(event), event, platform)


def solution(event: Event, platform: Platform, _identities: Identities) -> Json:
    """Return the answer that the problem shows."""
    return _about("Annotation", f"{_problem_key(event)}/solution", event, platform, name="Solution")


def hint(event: Event, platform: Platform, _identities: Identities) -> Json:
    """Return the hint."""
    index = _details(event.fields).get("hint_index", "")
    return _about("Annotation", f"{_problem_key(event)}/hint/{index}", event, platform, name="Hint")


_submitted = caliper_event("AssessmentEvent", "Submitted", assessment)


def _attempt(event: Event, platform: Platform, identities: Identities) -> Json:
    """Return the learner's attempt: one assignee's turn at one assignable problem."""
    key, learner = _problem_key(event), identities.external_id(acting_user(event))
    count = _details(event.fields).get("attempts", "")
    made = _about("Attempt", f"{key}/user/{learner}/attempt/{count}", event, platform)
    made["extensions"] = {
        **required(made.get("extensions")),
        "assignee": person(learner, platform.root_url),
        "assignable": {"id": platform.iri("xblock", key), "type": "Assessment"},
        **present({"count": count}),
    }
    return made


def _score(fields: EventFields) -> Json:
    known = {
        "maxScore": find(fields, "max_grade"),
        "scoreGiven": find(fields, "grade"),
        "attempts": find(fields, "attempts"),
    }
    success = "True" if find(fields, "success") == "correct" else "False"
    return {"id": "_:score", "type": "Score", **present(known), "extensions": {"success": success}}


def _about(object_type: str, key: str, event: Event, platform: Platform, **more: str) -> Json:
    made: Json = {"id": platform.iri("xblock", key), "type": object_type, **more}
    course_extension = part_of_course(event, platform)
    if course_extension:
        made["extensions"] = course_extension
    return made


def _problem_key(event: Event) -> Any:
    fields = event.fields
    data = find(fields, "data")
    key = data.get("problem_id", data.get("module_id")) if isinstance(data, dict) else None
    if key:
        return key
    page = look(fields, "context", "referer")
    if page is None:  # as in all that browsers post, unless another process than the LMS's logged it
        raise UpstreamRejects("ValueError")
    return problem_of_page(page, data, event.course_id)


def _details(fields: EventFields) -> Json:
    data = find(fields, "data")
    if not isinstance(data, dict):
        raise Unusual
    return data
