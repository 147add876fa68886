"""Tracking events pre-rendered into templates, so that a generated line costs one substitution."""

from __future__ import annotations

import json
import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS
from tests.support.other_lines import OTHER_FORMS, implicit_event

if TYPE_CHECKING:
    from collections.abc import Callable

    #: A template with what picks its values from ``(user id, username, org, course, time, session)``.
    Template = tuple[bytes, Callable[[tuple[bytes, ...]], Any]]

# Each stands for a value in the rendered event; none is changed by JSON or by URL quoting.
MARKS = ("987650001", "Quser", "Qorg", "Qcourse", "2026-01-01T00:00:00.000000+00:00", "0123456789abcdef" * 2)
COURSE = "course-v1:Qorg+Qcourse+2026"
#: How many contents (blocks, seconds, answers) each form is rendered with.
VARIANTS = 8

#: How often events occur beside each other: by the beginning of a form's key, the longest that fits.
WEIGHTS = {
    "": 4,
    "load_video": 50,
    "play_video": 120,
    "pause_video": 90,
    "seek_video": 50,
    "stop_video": 20,
    "edx.video.": 6,
    "problem_check.browser": 70,
    "problem_check.browser_context": 2,
    "problem_check.server": 110,
    "problem_check.server_": 12,
    "edx.grades.problem.submitted": 60,
    "edx.grades.subsection": 50,
    "edx.grades.course": 25,
    "edx.completion": 110,
    "edx.ui.lms.sequence": 70,
    "edx.ui.lms.link_clicked": 30,
    "edx.ui.lms.outline": 30,
    "edx.course.enrollment.activated": 10,
    "edx.forum.thread.viewed": 25,
    "showanswer": 20,
}

#: Of the events that nobody knows, how many are requests as such.
IMPLICIT_SHARE = 0.6


def weight(key: str) -> int:
    return WEIGHTS[max((beginning for beginning in WEIGHTS if key.startswith(beginning)), key=len)]


def template(event: dict[str, Any]) -> Template:
    """Return an event's line with its marks made into places, and what fills them."""
    text = json.dumps(event).replace("%", "%%") + "\n"
    places = "|".join(re.escape(mark) for mark in MARKS)
    order = [MARKS.index(mark) for mark in re.findall(places, text)]
    return re.sub(places, "%b", text).encode(), itemgetter(*order)


def scenes() -> list[Scene]:
    user_id, username, _, _, time, session = MARKS
    scene = Scene(int(user_id), username, COURSE, time, session, other_id=int(user_id), other_username=username)
    return [scene._replace(number=number * 37) for number in range(1, VARIANTS + 1)]


def known_templates() -> list[Template]:
    """Return templates of known events, each as often as its weight says."""
    table: list[Template] = []
    for key, form in FORMS.items():
        made = [template(raw_event(form, scene)) for scene in scenes()]
        # The variants take turns; a form of a small weight goes without some of them.
        table += [made[turn % VARIANTS] for turn in range(weight(key))]
    return table


def other_templates() -> list[Template]:
    """Return templates of events that no registry knows."""
    others = [template(raw_event(form, scene)) for form in OTHER_FORMS[:-1] for scene in scenes()[:4]]
    every = round(len(others) * IMPLICIT_SHARE / (1 - IMPLICIT_SHARE))
    return others + [template(implicit_event(scenes()[0]._replace(number=number))) for number in range(1, every + 1)]
