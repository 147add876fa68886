"""Templates of tracking events. To generate a line takes one substitution."""

from __future__ import annotations

import json
import re
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS
from tests.support.other_lines import OTHER_FORMS, implicit_event

if TYPE_CHECKING:
    from collections.abc import Callable

    #: A template, and the function that selects its values from ``(user id, username, org, course, time, session)``.
    Template = tuple[bytes, Callable[[tuple[bytes, ...]], Any]]

# Placeholders for the values in a rendered event. JSON and URL quoting do not change them.
PLACEHOLDERS = ("987650001", "Quser", "Qorg", "Qcourse", "2026-01-01T00:00:00.000000+00:00", "0123456789abcdef" * 2)
COURSE = "course-v1:Qorg+Qcourse+2026"
#: The number of contents (blocks, seconds, answers) for each form.
VARIANTS = 8

#: The relative frequency of events, by the longest prefix of the form's key.
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

#: The share of implicit URL events among unknown events.
IMPLICIT_SHARE = 0.6


def weight(key: str) -> int:
    return WEIGHTS[max((prefix for prefix in WEIGHTS if key.startswith(prefix)), key=len)]


def template(event: dict[str, Any]) -> Template:
    """Return the template of an event, and the function that selects its values."""
    text = json.dumps(event).replace("%", "%%") + "\n"
    placeholders = "|".join(re.escape(placeholder) for placeholder in PLACEHOLDERS)
    order = [PLACEHOLDERS.index(found) for found in re.findall(placeholders, text)]
    return re.sub(placeholders, "%b", text).encode(), itemgetter(*order)


def scenes() -> list[Scene]:
    user_id, username, _, _, time, session = PLACEHOLDERS
    scene = Scene(int(user_id), username, COURSE, time, session, other_id=int(user_id), other_username=username)
    return [scene._replace(number=number * 37) for number in range(1, VARIANTS + 1)]


@cache
def known_templates() -> list[Template]:
    """Return templates of known events, each as often as its weight."""
    table: list[Template] = []
    for key, form in FORMS.items():
        variants = [template(raw_event(form, scene)) for scene in scenes()]
        # A form with a small weight has fewer variants.
        table += [variants[turn % VARIANTS] for turn in range(weight(key))]
    return table


@cache
def other_templates() -> list[Template]:
    """Return templates of events that are in no registry."""
    others = [template(raw_event(form, scene)) for form in OTHER_FORMS[:-1] for scene in scenes()[:4]]
    implicit = round(len(others) * IMPLICIT_SHARE / (1 - IMPLICIT_SHARE))
    return others + [template(implicit_event(scenes()[0]._replace(number=number))) for number in range(1, implicit + 1)]
