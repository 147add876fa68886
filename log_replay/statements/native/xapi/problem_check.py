"""Transform ``problem_check``: one statement about the problem, and one about each of several questions."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.fields import (
    MISSING,
    Finder,
    UnsupportedEvent,
    UpstreamRejects,
    required,
    text,
    value_at,
)
from log_replay.statements.native.usage_keys import problem_key_from_page
from log_replay.statements.native.xapi import contexts, verbs
from log_replay.statements.native.xapi.actors import actor
from log_replay.statements.native.xapi.objects import INTERACTION, WITHOUT_ID, block, problem_key
from log_replay.statements.native.xapi.results import score
from log_replay.statements.native.xapi.statement import build_statement, reject_without_id
from log_replay.statements.releases import answers_in_ascii
from log_replay.statements.serialise import json_text, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields, Statement
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.actors import Actor

Json = dict[str, Any]

#: Write a list of answers as upstream does, by the result of ``answers_in_ascii``.
LIST_AS_TEXT = {ascii_only: json.JSONEncoder(ensure_ascii=ascii_only).encode for ascii_only in (False, True)}
ANSWER_AS_TEXT = {False: encode_basestring, True: encode_basestring_ascii}

ATTEMPT = b"http://id.tincanapi.com/extension/attempt-id"

#: xAPI's interaction types by Open edX's response types. All others are ``other``.
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

#: Details of rejects
NO_COURSE = "context.course_id is missing"
NO_QUESTION = "event.submission has an answer without its question"
NO_ANSWER = "event.submission has a question without an answer"

NAME, DESCRIPTION = b"name", b"description"
#: The definition of a problem or a question. Its parts: extensions, name or description, interaction type.
DEFINITION = b'{"type":"%b"%%b%%b,"interactionType":"%%b"}' % INTERACTION.encode()
#: The object of a problem with several questions.
GROUP = b'{"id":%b,"objectType":"GroupActivity","definition":%b}'
#: The context of a statement about one question: problem, course, id of the statement about the problem.
QUESTION_CONTEXT = (
    b',"contextActivities":{"parent":[%b],"grouping":%b},"statement":{"objectType":"StatementRef","id":"%b"}'
)


def problem_check(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
    """Return the statement about the problem, then the statements about its questions if there are several."""
    fields = event.fields
    finder = Finder(fields)
    from_browser = (finder.find("event_source") or value_at(fields, "context", "event_source")) == "browser"
    verb = verbs.ATTEMPTED if from_browser else verbs.EVALUATED
    # In upstream's order; see ``statement``.
    actor_ = actor(event, platform, identities)
    context = contexts.in_course(event, platform, identities)
    questions = _questions(finder)
    answer = _first_typed_answer(fields)
    problem = _problem(event, finder, platform, answer, group=bool(questions))
    if from_browser and questions:
        raise UnsupportedEvent
    result = b"" if from_browser else _result(finder, answer)
    if not problem:
        reject_without_id(fields)
    fragments = (b"", context, problem, result)
    about_problem = build_statement(verb, verb.namespace, platform, actor_, fields, fragments)
    if not questions:
        return (about_problem,)
    course = contexts.course_of(event, platform, identities)
    if not course:
        raise UpstreamRejects("AttributeError", NO_COURSE)
    question_context = QUESTION_CONTEXT % (problem, course, about_problem.id.encode())
    return (about_problem, *_about_questions(event, platform, actor_, question_context, questions))


def _questions(finder: Finder) -> Json:
    """Return the submitted answers by question, if there are several questions."""
    submission = finder.find("submission") or {}
    return submission if len(submission.keys()) > 1 else {}


def _problem(event: Event, finder: Finder, platform: Platform, answer: Json | None, *, group: bool) -> bytes:
    """Return the object: the problem."""
    fields = event.fields
    key = problem_key(fields, finder)
    definition = _problem_definition(event, finder, answer, group=group)
    page = fields.get("referer") or required(
        finder.find("referer") or value_at(fields, "context", "referer"), "referer"
    )
    source = value_at(fields, "context", "event_source") or finder.find("event_source")
    if source == "browser":
        key = problem_key_from_page(page, finder.find("data"), event.course_id)
    if group and key is None:
        raise UnsupportedEvent
    if group:
        return GROUP % (quoted(platform.iri("xblock", key)), definition)
    return WITHOUT_ID if key is None else block(platform, key, definition)


def _problem_definition(event: Event, finder: Finder, answer: Json | None, *, group: bool) -> bytes:
    fields = event.fields
    # Upstream reads the first response type even if it uses the answer's. A list or an object is an error.
    if answer and _has_textual_response_types(event.json_text, several=group):
        interaction_type = OTHER
    else:
        interaction_type = _interaction_type(finder.find("response_type"))
    if answer:
        return _question_definition(fields, answer, group=group)
    return _definition(fields, NAME, finder.find("display_name") or None, OTHER if group else interaction_type)


def _has_textual_response_types(line: bytes, *, several: bool) -> bool:
    """Return True if no response type in a line, other than the answer's, is a list or an object.

    This takes a fifth of the time of a search for the first one, a third if there are several.
    """
    if line.find(b"\\") >= 0:  # the name may be escaped
        return False
    return not _list_or_object.search(line) if several else line.count(b"response_type") == 1


_list_or_object = re.compile(rb'response_type"\s*:\s*[\[{]')


def _question_definition(fields: EventFields, answer: Json, *, group: bool = False) -> bytes:
    interaction_type = _interaction_type(answer.get("response_type"))
    question = answer.get("question", MISSING)
    if not isinstance(question, str):
        reason = "KeyError" if question is MISSING else "TypeError"
        raise UpstreamRejects(reason, NO_QUESTION)
    return _definition(fields, DESCRIPTION, question, OTHER if group else interaction_type)


def _definition(fields: EventFields, member: bytes, words: Any, interaction_type: bytes) -> bytes:
    """Return a definition with the number of attempts, and with a name or description as ``member``."""
    attempts = value_at(fields, "data", "attempts") or None
    # Other types are not cached: 1, 1.0 and True are the same key.
    cached = attempts is None or type(attempts) is int
    return (_cached_definition if cached else _build_definition)(attempts, member, words, interaction_type)


def _build_definition(attempts: Any, member: bytes, words: Any, interaction_type: bytes) -> bytes:
    extensions = b',"extensions":{"%b":%b}' % (ATTEMPT, json_text(attempts)) if attempts else b""
    described = b"" if words is None else b',"%b":{"en-US":%b}' % (member, quoted(text(words)))
    return DEFINITION % (extensions, described, interaction_type)


_cached_definition = lru_cache(maxsize=4096)(_build_definition)


def _interaction_type(response_type: Any) -> bytes:
    return INTERACTION_TYPES.get(response_type, OTHER)


def _first_typed_answer(fields: EventFields) -> Json | None:
    """Return the first submitted answer with a response type."""
    data = fields.get("data")
    submission = data.get("submission") if type(data) is dict else None
    for answer in submission.values() if submission else ():
        if not isinstance(answer, dict):
            raise UnsupportedEvent
        if answer.get("response_type"):
            return answer
    return None


def _result(finder: Finder, answer: Json | None) -> bytes:
    find = finder.find
    members = _result_members(answer) if answer else untyped_members(finder)
    return b'{"score":%b%b}' % (score_text(find("max_grade"), find("grade")), members)


def untyped_members(finder: Finder) -> bytes:
    """Return the members of the result of an event without response types: those from before 2014 have only answers."""
    data = finder.find("data")
    if data is not None and not isinstance(data, dict):
        raise UpstreamRejects("AttributeError", "event is not an object")
    answers = None if data is None else data.get("answers")
    return _result_members({"answer": answers, "correct": finder.find("success") == "correct"})


def score_text(best: Any, grade: Any) -> bytes:
    """Return the JSON of a score."""
    # Other types are not cached: 0.0 and -0.0 are the same key.
    if type(best) is type(grade) is int:
        return _cached_scaled_score(best, grade)
    if best is None or grade is None:
        return json_text(score(best, grade, None))
    return _scaled_score(best, grade)


def _scaled_score(best: Any, grade: Any) -> bytes:
    return json_text(score(best, grade, grade / best if best > 0 else 0))


_cached_scaled_score = lru_cache(maxsize=4096)(_scaled_score)


def _result_members(answer: Json) -> bytes:
    """Return the members ``success`` and ``response`` of a result."""
    value, correct = answer.get("answer", MISSING), answer.get("correct")
    if value is MISSING:
        raise UpstreamRejects("KeyError", NO_ANSWER)
    success = b"" if correct is None else b',"success":true' if correct else b',"success":false'
    if value is None:
        return success
    return b'%b,"response":%b' % (success, quoted(_list_text(value) if isinstance(value, list) else str(value)))


def _list_text(answers: list[Any]) -> str:
    """Return a list of answers as upstream writes it. For lists of texts, an encoder takes four times as long."""
    try:
        return f"[{', '.join(map(ANSWER_AS_TEXT[answers_in_ascii()], answers))}]"
    except TypeError:
        return LIST_AS_TEXT[answers_in_ascii()](answers)


def _about_questions(
    event: Event, platform: Platform, actor_: str | Actor, context: bytes, questions: Json
) -> Iterator[Statement]:
    """Yield one statement about each question. They have no score: it is the problem's."""
    fields, verb = event.fields, verbs.EVALUATED
    parts = text(problem_key(fields)).split("@")[:-1]
    for question, answer in questions.items():
        if not answer or not isinstance(answer, dict):
            raise UnsupportedEvent
        object_ = block(platform, "@".join([*parts, question]), _question_definition(fields, answer))
        result = b"{%b}" % _result_members(answer)[1:]
        fragments = (b"", context, object_, result)
        yield build_statement(verb, verb.namespace_of(question), platform, actor_, fields, fragments)
