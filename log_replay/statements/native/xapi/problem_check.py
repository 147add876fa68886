"""``problem_check``: an attempt at a problem, evaluated as a whole and question by question."""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from log_replay.records import Statement, new_statement
from log_replay.statements.native.blocks import problem_of_page
from log_replay.statements.native.reading import Finder, Unusual, look, required, text
from log_replay.statements.native.times import xapi_timestamp
from log_replay.statements.native.xapi import contexts, verbs
from log_replay.statements.native.xapi.actors import actor
from log_replay.statements.native.xapi.objects import INTERACTION, block, problem_key
from log_replay.statements.native.xapi.results import score
from log_replay.statements.native.xapi.statement import OPENING, REST, moment, opening
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.lms import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.actors import Actor

Json = dict[str, Any]

#: How upstream spells a list of answers.
spelled = json.JSONEncoder(ensure_ascii=False).encode

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

#: What stands in the context of a statement about one question of a problem.
OF_PROBLEM = b',"contextActivities":{"parent":[%b],"grouping":%b},"statement":{"objectType":"StatementRef","id":"%b"}'


def problem_check(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
    """Return the statement about the problem; where it has several questions, one about each as well."""
    fields = event.fields
    finder = Finder(fields)
    browser = (finder.find("event_source") or look(fields, "context", "event_source")) == "browser"
    id_, timestamp, begun = opening(verbs.ATTEMPTED if browser else verbs.EVALUATED, event, platform, identities)
    extensions = contexts.extensions(b"", fields, platform)
    around = contexts.in_course(event, platform, identities)
    questions = _questions(finder)
    answered = _first_answered(fields)
    about = _problem(event, finder, platform, answered, group=bool(questions))
    if browser and questions:
        raise Unusual
    outcome = b"" if browser else _result(finder, answered)
    whole = new_statement((id_, timestamp, begun + REST % (extensions, around, about, outcome)))
    if not questions:
        return (whole,)
    course = required(contexts.course_of(event, platform, identities) or None)
    context = extensions + OF_PROBLEM % (about, course, id_.encode())
    return (whole, *_about_questions(event, platform, actor(event, platform, identities), context, questions))


def _questions(finder: Finder) -> Json:
    """Return the submitted answers by question, if there are several."""
    submission = finder.find("submission") or {}
    return submission if len(submission.keys()) > 1 else {}


def _problem(event: Event, finder: Finder, platform: Platform, answered: Json | None, *, group: bool) -> bytes:
    fields, find = event.fields, finder.find
    key = problem_key(fields)
    # Asked for even where an answer says it: upstream stumbles over one that is no text.
    interaction_type = _interaction_type(find("response_type"))
    definition = _of_question(fields, answered) if answered else _of_problem(finder, interaction_type)
    if group:
        definition["interactionType"] = "other"
    source = look(fields, "context", "event_source") or find("event_source")
    page = required(find("referer") or look(fields, "context", "referer"))
    if source == "browser":
        key = problem_of_page(page, find("data"), event.course_id)
    return block(platform, required(key), json_text(definition), b"GroupActivity" if group else b"Activity")


def _of_question(fields: EventFields, answered: Json) -> Json:
    """Return the definition of a question."""
    return {
        **_definition(fields),
        "description": {"en-US": text(answered["question"])},
        "interactionType": _interaction_type(answered.get("response_type")),
    }


def _of_problem(finder: Finder, interaction_type: str) -> Json:
    """Return the definition of a problem of whose questions nothing is known."""
    definition = _definition(finder.fields)
    name = finder.find("display_name")
    if name:
        definition["name"] = {"en-US": text(name)}
    return {**definition, "interactionType": interaction_type}


def _definition(fields: EventFields) -> Json:
    attempts = look(fields, "data", "attempts")
    return {"type": INTERACTION, "extensions": {ATTEMPT: attempts}} if attempts else {"type": INTERACTION}


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


def _result(finder: Finder, answered: Json | None) -> bytes:
    find = finder.find
    if answered:
        outcome = _outcome(answered)
    else:
        # Before 2014 there were only the bare answers.
        data = find("data")
        answers = None if data is None else data.get("answers")
        outcome = _outcome({"answer": answers, "correct": find("success") == "correct"})
    best, grade = find("max_grade"), find("grade")
    scaled = None
    if best is not None and grade is not None:
        scaled = grade / best if best > 0 else 0
    return b',"result":%b' % json_text({"score": score(best, grade, scaled), **outcome})


def _outcome(answered: Json) -> Json:
    outcome: Json = {}
    answer, correct = answered["answer"], answered.get("correct")
    if correct is not None:
        outcome["success"] = bool(correct)
    if isinstance(answer, list):
        outcome["response"] = _spelled(answer)
    elif answer is not None:
        outcome["response"] = str(answer)
    return outcome


def _spelled(answers: list[Any]) -> str:
    """Return a list of answers as upstream spells it; most are texts, for which an encoder takes four times as long."""
    try:
        return f"[{', '.join(map(encode_basestring, answers))}]"
    except TypeError:
        return spelled(answers)


def _about_questions(
    event: Event, platform: Platform, who: Actor, context: bytes, questions: Json
) -> Iterator[Statement]:
    """Yield a statement about each question; the score belongs to the whole problem only."""
    parts = text(problem_key(event.fields)).split("@")[:-1]
    when = moment(event.fields)
    timestamp, name = xapi_timestamp(when), f"{who.id_prefix}{when}".encode()
    for question, answered in questions.items():
        if not answered or not isinstance(answered, dict):
            raise Unusual
        id_ = verbs.EVALUATED.namespace_of(question).uuid(name)
        begun = OPENING % (id_.encode(), who.json, verbs.EVALUATED.json, timestamp.encode())
        about = block(platform, "@".join([*parts, question]), json_text(_of_question(event.fields, answered)))
        outcome = b',"result":%b' % json_text(_outcome(answered))
        yield new_statement((id_, timestamp, begun + REST % (context, b"", about, outcome)))
