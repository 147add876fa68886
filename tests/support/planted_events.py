"""Kinds of lines in a planted log: valid events, events that are rejected, events whose statements are invalid.

A statement is invalid if Learning Locker's validator finds that it violates xAPI 1.0.3. event-routing-backends makes
such statements of the events below, which real sites have: links without an address, grades above the maximum,
and problems with several questions (their parent has the object type ``GroupActivity``).
"""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.event_forms import raw_event
from tests.support.known_events import FORMS
from tests.support.log_templates import known_templates, other_templates, scenes, template
from tests.support.odd_shapes import setting, submission, with_parsed_data
from tests.support.site_changes import anonymous

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.log_templates import Template

#: The shares of lines with these events. Each of the six reject kinds has a sixth of the rejects.
KNOWN_SHARE, REJECTED_SHARE, DAMAGED_SHARE = 0.6, 0.01, 0.0005
#: The number of statements of a ``problem_check`` with three questions: one of the problem, and one of each question.
QUESTIONS_STATEMENTS = 4

#: Forms of which validators do not accept all statements. The log has other forms: each gives one valid statement.
DISPUTED = ("edx.problem.completed", "problem_check.server_questions", "edx.special_exam.")
#: In the registry of transformers, but not among the events that the LMS transforms to xAPI by default.
NOT_TRANSFORMED = "edx.grades.problem.submitted"


class Kind(NamedTuple):
    """Lines of one kind: their share of a log, their templates, and the facts about each line.

    Attributes:
        event: the name of the event; None if the line has no known event.
        reason: the reason for the reject.
        statements: the number of statements of a line.
        invalid: all statements of the line are invalid.
        unknown_user: the users are not in the database.
        unknown_course: the courses are not in the database.
    """

    share: float
    templates: list[Template]
    event: str | None = None
    reason: str | None = None
    statements: int = 0
    invalid: bool = False
    unknown_user: bool = False
    unknown_course: bool = False


@cache
def kinds() -> list[Kind]:
    """Return all kinds. Their shares add up to 1."""
    each = REJECTED_SHARE / 6
    next_selected = "edx.ui.lms.sequence.next_selected"
    planted = [
        Kind(each, changed("play_video", anonymous), "play_video", "anonymous"),
        Kind(each, changed("play_video"), "play_video", "unknown_user", unknown_user=True),
        Kind(each, changed("pause_video"), "pause_video", "unknown_course", unknown_course=True),
        Kind(each, changed("seek_video", setting("event.id")), "seek_video", "ValueError"),
        Kind(each, changed("problem_check.server", submission("answer")), "problem_check", "KeyError"),
        Kind(each, changed(next_selected, setting("event.id")), next_selected, "no_object_id"),
        *_invalid(),
        Kind(DAMAGED_SHARE, [_cut_off(one) for one in changed("play_video")], reason="no_json"),
    ]
    valid = _valid()
    left = KNOWN_SHARE - sum(kind.share for kind in planted)
    lines = sum(len(templates) for templates in valid.values())
    known = [Kind(left * len(found) / lines, found, name, statements=1) for name, found in valid.items()]
    return [Kind(1 - KNOWN_SHARE, other_templates()), *known, *planted]


def _invalid() -> list[Kind]:
    """Return the kinds whose statements are invalid: about 2 % of all statements."""
    course_grade = "edx.grades.course.grade_calculated"
    link = changed("edx.ui.lms.link_clicked", setting("event.target_url", value="#main"))
    above_maximum = changed(course_grade, setting("event.percent_grade", value=1.04))
    extra_credit = changed("problem_check.server", setting("event.grade", value=2))
    questions = changed("problem_check.server_questions")
    return [
        Kind(0.0035, link, "edx.ui.lms.link_clicked", statements=1, invalid=True),
        Kind(0.001, above_maximum, course_grade, statements=1, invalid=True),
        Kind(0.0025, extra_credit, "problem_check", statements=1, invalid=True),
        Kind(0.0012, questions, "problem_check", statements=QUESTIONS_STATEMENTS, invalid=True),
    ]


def _valid() -> dict[str, list[Template]]:
    """Return the templates of valid events by name, each as often as its weight."""
    left_out = [template(raw_event(form, scene)) for key, form in FORMS.items() for scene in scenes() if _left_out(key)]
    texts = {text for text, _ in left_out}
    found: dict[str, list[Template]] = {}
    for text, pick in known_templates():
        if text not in texts:
            found.setdefault(json.loads(text.replace(b"%b", b"1").replace(b"%%", b"%"))["name"], []).append(
                (text, pick)
            )
    return found


def _left_out(key: str) -> bool:
    return key.startswith((*DISPUTED, NOT_TRANSFORMED))


def changed(form: str, *changes: Callable[[dict[str, Any]], None]) -> list[Template]:
    """Return templates of a form with these changes."""
    return [template(_changed(form, scene, changes)) for scene in scenes()]


def _changed(form: str, scene: Any, changes: tuple[Callable[[dict[str, Any]], None], ...]) -> dict[str, Any]:
    raw = with_parsed_data(copy.deepcopy(raw_event(FORMS[form], scene)))
    for change in changes:
        change(raw)
    if FORMS[form].source != "server" and isinstance(raw["event"], dict):
        raw["event"] = json.dumps(raw["event"])
    return raw


def _cut_off(one: Template) -> Template:
    """Return a template whose lines end in the middle of their JSON, as after a full disk."""
    text, pick = one
    cut = text.partition(b', "event_source"')[0]
    return cut + b"\n", lambda values: pick(values)[: cut.count(b"%b")]
