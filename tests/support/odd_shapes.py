"""Odd shapes of events in real logs: most are rejected by upstream, some give statements.

A shape is a change of a raw event. Each one is a row of ``tests.benchmarks.shapes``, and each event name can have it.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS
from tests.support.sample_identities import TEA
from tests.support.sample_log import UNKNOWN_COURSE
from tests.support.variations import MISSING, put

if TYPE_CHECKING:
    from collections.abc import Callable

RawEvent = dict[str, Any]


class Shape(NamedTuple):
    """A change of a raw event, and the forms of the events that have it in real logs."""

    name: str
    change: Callable[[RawEvent], None]
    forms: tuple[str, ...]

    def raw(self, form: str, scene: Scene | None = None) -> RawEvent:
        """Return an event of this shape."""
        raw = with_parsed_data(copy.deepcopy(raw_event(FORMS[form], scene or Scene())))
        self.change(raw)
        return raw


def with_parsed_data(raw: RawEvent) -> RawEvent:
    """Return the event with an object as its data, if the data is the JSON text of one."""
    data = raw["event"]
    return raw | {"event": json.loads(data)} if isinstance(data, str) and data.startswith("{") else raw


def setting(*paths: str, value: Any = MISSING) -> Callable[[RawEvent], None]:
    """Return a change that sets fields to a value, or removes them."""

    def change(raw: RawEvent) -> None:
        for path in paths:
            put(raw, tuple(path.split(".")), value)

    return change


def submission(field: str, value: Any = MISSING, entry: int = 0) -> Callable[[RawEvent], None]:
    """Return a change of one field of an answer in the submission."""

    def change(raw: RawEvent) -> None:
        data = raw.get("event")
        answers = data.get("submission") if isinstance(data, dict) else None
        if isinstance(answers, dict) and len(answers) > entry:
            put(list(answers.values())[entry], (field,), value)

    return change


def all_answers(value: Any) -> Callable[[RawEvent], None]:
    """Return a change of all answers in the submission."""

    def change(raw: RawEvent) -> None:
        data = raw.get("event")
        answers = data.get("submission") if isinstance(data, dict) else None
        for entry in range(len(answers) if isinstance(answers, dict) else 0):
            submission("answer", value, entry)(raw)

    return change


def form_on_other_page(data: Any) -> Callable[[RawEvent], None]:
    """Return a change of the data of a form, and of its page to one whose address has no usage key."""

    def change(raw: RawEvent) -> None:
        setting("event", value=data)(raw)
        setting("referer", value="http://lms.example.com/courses/course/courseware/")(raw)

    return change


def without_zone(raw: RawEvent) -> None:
    if isinstance(raw.get("time"), str):
        raw["time"] = raw["time"].partition("+")[0]


VIDEO = ("play_video",)
ENROLMENT = ("edx.course.enrollment.activated",)
LINK = ("edx.ui.lms.link_clicked",)
BROWSER = ("problem_check.browser",)
GRADED = ("problem_check.server",)
QUESTIONS = ("problem_check.server_questions",)
RESPONSE = ("edx.forum.response.created",)
PROBLEMS = (*BROWSER, *GRADED)
EXAM = ("edx.special_exam.timed.attempt.created",)
SEQUENCE = ("edx.ui.lms.sequence.next_selected",)

SHAPES = [
    Shape("no time", setting("time", "timestamp"), (*VIDEO, *GRADED)),
    Shape("time without a zone", without_zone, (*VIDEO, *GRADED)),
    Shape("no course", setting("context.course_id"), (*VIDEO, *QUESTIONS, *EXAM, *ENROLMENT, *RESPONSE)),
    Shape("empty course", setting("context.course_id", value=""), (*VIDEO, *GRADED)),
    Shape("course only in the data", setting("context.course_id"), ENROLMENT),
    Shape("invalid course", setting("context.course_id", value="no course"), (*VIDEO, *GRADED, *ENROLMENT)),
    Shape("old-style course", setting("context.course_id", value=TEA), (*VIDEO, *BROWSER, *QUESTIONS)),
    Shape("unknown course", setting("context.course_id", value=UNKNOWN_COURSE), (*VIDEO, *GRADED, *ENROLMENT)),
    Shape("no referer", setting("referer", "context.referer"), PROBLEMS),
    Shape("empty referer", setting("referer", "context.referer", value=""), PROBLEMS),
    Shape("no problem", setting("event.problem_id", "event.module_id"), (*GRADED, "showanswer")),
    Shape("no answer", submission("answer"), (*GRADED, *QUESTIONS)),
    Shape("no question", submission("question"), (*GRADED, *QUESTIONS)),
    Shape("null question", submission("question", None), (*GRADED, *QUESTIONS)),
    Shape("second entry without an answer", submission("answer", entry=1), QUESTIONS),
    Shape("second entry without a question", submission("question", entry=1), QUESTIONS),
    Shape("empty form", setting("event", value=""), (*BROWSER, *VIDEO, *LINK, *SEQUENCE)),
    Shape("empty form on another page", form_on_other_page(""), BROWSER),
    Shape("form with files on another page", form_on_other_page("[object FormData]"), BROWSER),
    Shape("null answers", all_answers(None), (*GRADED, *QUESTIONS)),
    Shape("unanswered question", submission("answer", "", entry=1), QUESTIONS),
    Shape("control characters in answers", all_answers('a\tb\x00\x1f\u2028 "c" \\d'), (*GRADED, *QUESTIONS)),
    Shape("long numbers", setting("event.grade", "event.max_grade", "event.attempts", value=2**70), GRADED),
    Shape("textual duration", setting("event.duration", value="2:30"), VIDEO),
    Shape("form with files", setting("event", value="[object FormData]"), (*BROWSER, *VIDEO)),
    Shape("list as data", setting("event", value=[1]), (*VIDEO, *LINK)),
    Shape("null as data", setting("event", value=None), (*VIDEO, *SEQUENCE, "edx.grades.problem.submitted")),
    Shape("no target", setting("event.target_url"), (*LINK, "edx.ui.lms.outline.selected")),
    Shape("no target name", setting("event.target_name"), ("edx.ui.lms.outline.selected",)),
    Shape("no id", setting("event.id"), (*VIDEO, *SEQUENCE, "edx.forum.thread.created")),
    Shape("no block", setting("event.block_id"), ("edx.completion.block_completion.changed",)),
    Shape("no completion", setting("event.completion"), ("edx.completion.block_completion.changed",)),
    Shape("no grade", setting("event.weighted_earned", "event.percent_grade"), ("edx.grades.problem.submitted",)),
    Shape("numeric speed", setting("event.old_speed", value=1.5), ("speed_change_video",)),
    Shape("textual position", setting("event.currentTime", value="1:30"), VIDEO),
    Shape("no exam", setting("event.exam_content_id"), EXAM),
    Shape("no exam name", setting("event.exam_name"), EXAM),
    Shape("no path", setting("context.path"), ("edx.forum.thread.created",)),
]  # fmt: skip
