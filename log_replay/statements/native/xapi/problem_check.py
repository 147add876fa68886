"""``problem_check``: an attempt at a problem, evaluated as a whole and question by question."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from log_replay.statements.identifiers import name_based_uuid
from log_replay.statements.native.blocks import problem_of_page
from log_replay.statements.native.reading import Finder, Unusual, look, required, text
from log_replay.statements.native.xapi import contexts, verbs
from log_replay.statements.native.xapi.actors import actor
from log_replay.statements.native.xapi.objects import INTERACTION, activity, problem_key
from log_replay.statements.native.xapi.results import score
from log_replay.statements.native.xapi.statement import context, id_name, opening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.lms import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform

Json = dict[str, Any]

json_text = json.JSONEncoder(ensure_ascii=False).encode

ATTEMPT = "http://id.tincanapi.com/extension/attempt-id"

#: xAPI's interaction types by Open edX's response types; whatever is not named here is ``other``.
INTERACTION_TYPES = {
    "annotationresponse": "fill-in",
    "choiceresponse": "choice",
    "choicetextresponse": "choice",
    "formularesponse": "fill-in",
    "imageresponse": "matching",
    "multiplechoiceresponse": "choice",
    "numericalresponse": "numeric",
    "optionresponse": "choice",
    "stringresponse": "fill-in",
    "symbolicresponse": "fill-in",
    "truefalseresponse": "true-false",
}


def problem_check(event: Event, platform: Platform, identities: Identities) -> list[Json]:
    """Return the statement about the problem; where it has several questions, one about each as well."""
    fields = event.fields
    finder = Finder(fields)
    find = finder.find
    browser = (find("event_source") or look(fields, "context", "event_source")) == "browser"
    made = opening(verbs.ATTEMPTED if browser else verbs.EVALUATED, event, platform, identities)
    activities = contexts.in_course(fields, platform, identities)
    made["context"] = context({}, activities, fields, platform)
    questions = _questions(finder)
    answered = _first_answered(fields)
    made["object"] = _problem(finder, platform, answered, group=bool(questions))
    if browser:
        if questions:
            raise Unusual
        return [made]
    made["result"] = _result(finder, answered)
    if not questions:
        return [made]
    name = id_name(actor(event, platform, identities), find("timestamp") or find("time"))
    return [made, *_about_questions(made, finder, platform, name, questions)]


def _questions(finder: Finder) -> Json:
    """Return the submitted answers by question, if there are several."""
    submission = finder.find("submission") or {}
    return submission if len(submission.keys()) > 1 else {}


def _problem(finder: Finder, platform: Platform, answered: Json | None, *, group: bool) -> Json:
    fields, find = finder.fields, finder.find
    key = problem_key(fields)
    # Asked for even where an answer says it: upstream stumbles over one that is no text.
    interaction_type = _interaction_type(find("response_type"))
    definition = _definition(finder, answered, interaction_type)
    if group:
        definition["interactionType"] = "other"
    source = look(fields, "context", "event_source") or find("event_source")
    page = required(find("referer") or look(fields, "context", "referer"))
    if source == "browser":
        key = problem_of_page(page, find("data"), look(fields, "context", "course_id"))
    iri = platform.iri("xblock", required(key))
    return activity(iri, definition, "GroupActivity" if group else "Activity")


def _definition(finder: Finder, answered: Json | None, interaction_type: str = "other") -> Json:
    definition: Json = {"type": INTERACTION}
    attempts = look(finder.fields, "data", "attempts")
    if attempts:
        definition["extensions"] = {ATTEMPT: attempts}
    if answered:
        definition["description"] = {"en-US": text(answered["question"])}
        interaction_type = _interaction_type(answered.get("response_type"))
    else:
        name = finder.find("display_name")
        if name:
            definition["name"] = {"en-US": text(name)}
    definition["interactionType"] = interaction_type
    return definition


def _interaction_type(response_type: Any) -> str:
    return INTERACTION_TYPES.get(response_type, "other")


def _first_answered(fields: EventFields) -> Json | None:
    """Return the first question's answer that says of which type it is."""
    for answered in (look(fields, "data", "submission") or {}).values():
        if not isinstance(answered, dict):
            raise Unusual
        if answered.get("response_type"):
            return answered
    return None


def _result(finder: Finder, answered: Json | None) -> Json:
    find = finder.find
    if answered:
        outcome = _outcome(answered["answer"], answered.get("correct"))
    else:
        # Before 2014 there were only the bare answers.
        data = find("data")
        answers = None if data is None else data.get("answers")
        outcome = _outcome(answers, find("success") == "correct")
    best, grade = find("max_grade"), find("grade")
    scaled = None
    if best is not None and grade is not None:
        scaled = grade / best if best > 0 else 0
    return {"score": score(best, grade, scaled), **outcome}


def _outcome(answer: Any, correct: Any) -> Json:
    outcome: Json = {}
    if correct is not None:
        outcome["success"] = bool(correct)
    if isinstance(answer, list):
        outcome["response"] = json_text(answer)
    elif answer is not None:
        outcome["response"] = str(answer)
    return outcome


def _about_questions(whole: Json, finder: Finder, platform: Platform, name: bytes, questions: Json) -> Iterator[Json]:
    """Yield a statement about each question; the score belongs to the whole problem only."""
    parts = text(problem_key(finder.fields)).split("@")[:-1]
    activities = {"parent": [whole["object"]], "grouping": whole["context"]["contextActivities"]["parent"]}
    for question, answered in questions.items():
        if not answered or not isinstance(answered, dict):
            raise Unusual
        yield {
            **whole,
            "id": name_based_uuid(verbs.EVALUATED.namespace_of(question), name),
            "object": activity(platform.iri("xblock", "@".join([*parts, question])), _definition(finder, answered)),
            "context": {
                "extensions": whole["context"]["extensions"],
                "contextActivities": activities,
                "statement": {"objectType": "StatementRef", "id": whole["id"]},
            },
            "result": _outcome(answered["answer"], answered.get("correct")),
        }
