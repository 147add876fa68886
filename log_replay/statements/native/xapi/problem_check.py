"""``problem_check``: an attempt at a problem, evaluated as a whole and question by question."""

from __future__ import annotations

import json
from functools import lru_cache
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.blocks import problem_of_page
from log_replay.statements.native.reading import Finder, UnsupportedEvent, look, required, text
from log_replay.statements.native.xapi import contexts, verbs
from log_replay.statements.native.xapi.actors import actor
from log_replay.statements.native.xapi.objects import INTERACTION, block, problem_key
from log_replay.statements.native.xapi.results import score
from log_replay.statements.native.xapi.statement import finished
from log_replay.statements.serialise import json_text, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields, Statement
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.actors import Actor

Json = dict[str, Any]

#: How upstream spells a list of answers.
spelled = json.JSONEncoder(ensure_ascii=False).encode

ATTEMPT = b"http://id.tincanapi.com/extension/attempt-id"

#: xAPI's interaction types by Open edX's response types; whatever is not named here is ``other``.
INTERACTION_TYPES = {
    "annotationresponse": b"fill-in",
    "choiceresponse": b"choice",
    "choicetextresponse": b"choice",
    "formularesponse": b"fill-in",
    "imageresponse": b"matching",
    "multiplechoiceresponse": b"choice",
    "numericalresponse": b"numeric",
    "optionresponse": b"choice",
    "stringresponse": b"fill-in",
    "symbolicresponse": b"fill-in",
    "truefalseresponse": b"true-false",
}
OTHER = b"other"

NAME, DESCRIPTION = b"name", b"description"
#: A problem or a question: in how many attempts, what it is called or asks, and how it is to be answered.
DEFINITION = b'{"type":"%b"%%b%%b,"interactionType":"%%b"}' % INTERACTION.encode()
#: A problem of several questions.
GROUP = b'{"id":%b,"objectType":"GroupActivity","definition":%b}'
#: What stands in the context of a statement about one question of a problem.
OF_PROBLEM = b',"contextActivities":{"parent":[%b],"grouping":%b},"statement":{"objectType":"StatementRef","id":"%b"}'


def problem_check(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
    """Return the statement about the problem; where it has several questions, one about each as well."""
    fields = event.fields
    finder = Finder(fields)
    browser = (finder.find("event_source") or look(fields, "context", "event_source")) == "browser"
    verb = verbs.ATTEMPTED if browser else verbs.EVALUATED
    # In upstream's order; see ``statement``.
    who = actor(event, platform, identities)
    around = contexts.in_course(event, platform, identities)
    questions = _questions(finder)
    answered = _first_answered(fields)
    about = _problem(event, finder, platform, answered, group=bool(questions))
    if browser and questions:
        raise UnsupportedEvent
    outcome = b"" if browser else _result(finder, answered)
    whole = finished(verb, verb.namespace, platform, who, fields, (b"", around, about, outcome))
    if not questions:
        return (whole,)
    course = required(contexts.course_of(event, platform, identities) or None)
    context = OF_PROBLEM % (about, course, whole.id.encode())
    return (whole, *_about_questions(event, platform, who, context, questions))


def _questions(finder: Finder) -> Json:
    """Return the submitted answers by question, if there are several."""
    submission = finder.find("submission") or {}
    return submission if len(submission.keys()) > 1 else {}


def _problem(event: Event, finder: Finder, platform: Platform, answered: Json | None, *, group: bool) -> bytes:
    fields, find = event.fields, finder.find
    key = problem_key(fields, finder)
    # Asked for even where an answer says it: upstream stumbles over the first one if it is no text.
    asked = OTHER if answered and _says_one_type(event.json_text) else _interaction_type(find("response_type"))
    if answered:
        definition = _of_question(fields, answered, group=group)
    else:
        definition = _definition(fields, NAME, find("display_name") or None, OTHER if group else asked)
    source = look(fields, "context", "event_source") or find("event_source")
    page = fields.get("referer") or required(find("referer") or look(fields, "context", "referer"))
    if source == "browser":
        key = problem_of_page(page, find("data"), event.course_id)
    if group:
        return GROUP % (quoted(platform.iri("xblock", required(key))), definition)
    return block(platform, required(key), definition)


def _says_one_type(line: bytes) -> bool:
    """Return whether a line has one response type at most, which takes a fifth of the time of looking for the first."""
    return line.find(b"\\") < 0 and line.count(b"response_type") == 1


def _of_question(fields: EventFields, answered: Json, *, group: bool = False) -> bytes:
    """Return the definition of a question."""
    interaction_type = _interaction_type(answered.get("response_type"))
    return _definition(fields, DESCRIPTION, text(answered["question"]), OTHER if group else interaction_type)


def _definition(fields: EventFields, member: bytes, words: Any, interaction_type: bytes) -> bytes:
    """Return a definition that says in how many attempts, and, under ``member``, what it is called or asked for."""
    attempts = look(fields, "data", "attempts") or None
    # What only equals a number is none: 1, 1.0 and True are one key of the cache.
    kept = attempts is None or type(attempts) is int
    return (_defined if kept else _defined.__wrapped__)(attempts, member, words, interaction_type)


@lru_cache(maxsize=4096)
def _defined(attempts: Any, member: bytes, words: Any, interaction_type: bytes) -> bytes:
    extensions = b',"extensions":{"%b":%b}' % (ATTEMPT, json_text(attempts)) if attempts else b""
    described = b"" if words is None else b',"%b":{"en-US":%b}' % (member, quoted(text(words)))
    return DEFINITION % (extensions, described, interaction_type)


def _interaction_type(response_type: Any) -> bytes:
    return INTERACTION_TYPES.get(response_type, OTHER)


def _first_answered(fields: EventFields) -> Json | None:
    """Return the first question's answer that says of which type it is."""
    data = fields.get("data")
    submission = data.get("submission") if type(data) is dict else None
    for answered in submission.values() if submission else ():
        if not isinstance(answered, dict):
            raise UnsupportedEvent
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
    return b'{"score":%b%b}' % (_score(find("max_grade"), find("grade")), outcome)


def _score(best: Any, grade: Any) -> bytes:
    if type(best) is type(grade) is int:
        return _known_score(best, grade)
    if best is None or grade is None:
        return json_text(score(best, grade, None))
    return _known_score.__wrapped__(best, grade)


@lru_cache(maxsize=4096)
def _known_score(best: Any, grade: Any) -> bytes:
    return json_text(score(best, grade, grade / best if best > 0 else 0))


def _outcome(answered: Json) -> bytes:
    """Return whether an answer is correct, and what it is, as members of a result."""
    answer, correct = answered["answer"], answered.get("correct")
    success = b"" if correct is None else b',"success":true' if correct else b',"success":false'
    if answer is None:
        return success
    return b'%b,"response":%b' % (success, quoted(_spelled(answer) if isinstance(answer, list) else str(answer)))


def _spelled(answers: list[Any]) -> str:
    """Return a list of answers as upstream spells it; most are texts, for which an encoder takes four times as long."""
    try:
        return f"[{', '.join(map(encode_basestring, answers))}]"
    except TypeError:
        return spelled(answers)


def _about_questions(
    event: Event, platform: Platform, who: str | Actor, context: bytes, questions: Json
) -> Iterator[Statement]:
    """Yield a statement about each question; the score belongs to the whole problem only."""
    fields, verb = event.fields, verbs.EVALUATED
    parts = text(problem_key(fields)).split("@")[:-1]
    for question, answered in questions.items():
        if not answered or not isinstance(answered, dict):
            raise UnsupportedEvent
        about = block(platform, "@".join([*parts, question]), _of_question(fields, answered))
        outcome = b"{%b}" % _outcome(answered)[1:]
        yield finished(verb, verb.namespace_of(question), platform, who, fields, (b"", context, about, outcome))
