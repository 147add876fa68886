"""The mixes of a site's log: groups of episodes, with the share of the lines that each group has.

An episode is one event, or the events of one submission of a problem, as lines with placeholders.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support import site_changes as changes
from tests.support import site_writings as writings
from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene, hex_id
from tests.support.known_events import FORMS, NAVIGATION, VIDEOS
from tests.support.known_events import PROBLEMS as KNOWN_PROBLEMS
from tests.support.log_templates import COURSE, PLACEHOLDERS, weight
from tests.support.site_events import FREQUENT, RARE, requests
from tests.support.site_problems import LONG_PROBLEMS, PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.event_forms import Form
    from tests.support.odd_shapes import Shape
    from tests.support.site_writings import Writing

Build = Callable[[Scene], dict[str, Any]]
Change = Callable[[dict[str, Any]], None]
Episode = list[str]

#: The placeholder for the id of a problem. A log has more problems than templates.
PROBLEM = "fedcba9876543210" * 2
CCX = "ccx-v1:Qorg+Qcourse+2026+ccx@3"
LIBRARY = "library-v1:Qorg+Qcourse"
OLD_COURSE = "Qorg/Qcourse/2014_T1"

#: The number of templates for each form of an event.
VARIANTS = 16


class Group(NamedTuple):
    """Episodes that have a share of a log's lines together. Each episode is as frequent as the others."""

    share: float
    episodes: list[Episode]


class Style(NamedTuple):
    """The courses, users, clients and line formats of a mix, each with its share."""

    courses: dict[str, float]
    changes: dict[Change, float]
    writings: dict[Writing, float]

    def episode(self, builds: Iterable[Build], order: random.Random) -> Episode:
        """Return the lines of events with the same user, course and problem."""
        scene = new_scene(drawn(self.courses, order), order.randrange(1, 400))
        applied = [change for change, share in self.changes.items() if order.random() < share]
        return [self._line(build(scene), scene, applied, order) for build in builds]

    def _line(self, raw: dict[str, Any], scene: Scene, applied: list[Change], order: random.Random) -> str:
        for change in applied:
            change(raw)
        text = drawn(self.writings, order)(raw, order)
        return text.replace(hex_id("problem", scene), PROBLEM)


def drawn(shares: dict[Any, float], order: random.Random) -> Any:
    return order.choices(list(shares), list(shares.values()))[0]


def new_scene(course: str, number: int) -> Scene:
    user_id, username, _, _, time, session = PLACEHOLDERS
    return Scene(
        int(user_id), username, course, time, session, number=number, other_id=int(user_id), other_username=username
    )


def group(share: float, style: Style, weighted: Iterable[tuple[tuple[Build, ...], int]], order: random.Random) -> Group:
    """Return a group of episodes of events, each as often as its weight."""
    episodes: list[Episode] = []
    for builds, count in weighted:
        variants = [style.episode(builds, order) for _ in range(min(count, VARIANTS))]
        episodes += [variants[turn % len(variants)] for turn in range(count)]
    return Group(share, episodes)


def builders(forms: Iterable[Form], count: int = VARIANTS) -> list[tuple[tuple[Build, ...], int]]:
    return [((partial(raw_event, form),), count) for form in forms]


def known(forms: Iterable[Form]) -> list[tuple[tuple[Build, ...], int]]:
    """Return builders of known events, with their usual weights."""
    return [((partial(raw_event, form),), weight(form.key)) for form in forms]


def submissions(problems: Iterable[Any]) -> list[tuple[tuple[Build, ...], int]]:
    """Return builders of the events of a submission: from the browser and from the server."""
    return [(tuple(partial(raw_event, form) for form in problem.forms()), VARIANTS) for problem in problems]


def shapes(forms: Iterable[Form] | None = None) -> list[tuple[Shape, str]]:
    """Return the odd shapes of these forms. By default each shape has the forms that have it in real logs."""
    from tests.support.odd_shapes import SHAPES  # imports hypothesis, which takes half a second

    return [(shape, key) for shape in SHAPES for key in (shape.forms if forms is None else [one.key for one in forms])]


def odd(shapes_of_forms: Iterable[tuple[Shape, str]]) -> list[tuple[tuple[Build, ...], int]]:
    return [((partial(odd_event, shape, form),), 1) for shape, form in shapes_of_forms]


def odd_event(shape: Shape, form: str, scene: Scene) -> dict[str, Any]:
    """Return an event of an odd shape. Browsers and mobile apps post the data as a text."""
    raw = shape.raw(form, scene)
    if FORMS[form].source != "server" and isinstance(raw.get("event"), dict):
        raw["event"] = json.dumps(raw["event"])
    return raw


MOBILE = [form for form in VIDEOS if form.source == "mobile"]
BROWSER_VIDEOS = [form for form in VIDEOS if form.source == "browser"]
#: Known events of the server, except problems.
OTHER_KNOWN = [
    form
    for form in FORMS.values()
    if form.source == "server" and form not in KNOWN_PROBLEMS and form.name != "edx.grades.problem.submitted"
]
OLD_KNOWN = [FORMS[key] for key in ("problem_check.server_answers", "problem_check.browser", "showanswer")]

SITE_STYLE = Style(
    {COURSE: 0.87, CCX: 0.05, LIBRARY: 0.03, OLD_COURSE: 0.05},
    {changes.long_context: 0.7, changes.mobile_context: 1, changes.anonymous: 0.03, changes.only_username: 0.02},
    {writings.as_the_lms: 1},
)
OLD_STYLE = Style(
    {OLD_COURSE: 0.95, COURSE: 0.05},
    {changes.old_video_id: 1, changes.without_name: 0.5, changes.only_username: 0.2, changes.anonymous: 0.03},
    {writings.as_the_lms: 0.5, writings.by_python_2: 0.5},
)
ALIKE_STYLE = SITE_STYLE._replace(
    courses={COURSE: 0.6, CCX: 0.2, LIBRARY: 0.05, OLD_COURSE: 0.15},
    writings={
        writings.as_the_lms: 0.6,
        writings.unescaped: 0.1,
        writings.with_prefix: 0.1,
        writings.with_carriage_return: 0.1,
        writings.by_python_2: 0.1,
    },
)


def site(order: random.Random) -> list[Group]:
    """Return the mix of a site whose learners use browsers, and some of them apps."""
    style = SITE_STYLE
    return [
        group(0.4, style, [((build,), 40) for build in requests()], order),
        group(0.13, style, submissions(PROBLEMS), order),
        group(0.008, style, submissions(LONG_PROBLEMS), order),
        group(0.14, style, known(BROWSER_VIDEOS), order),
        group(0.06, style, known(NAVIGATION), order),
        group(0.07, style, known(OTHER_KNOWN), order),
        group(0.145, style, builders(FREQUENT), order),
        group(0.02, style, builders(RARE, 4), order),
        group(0.022, style, builders(MOBILE), order),
        group(0.005, style, odd(shapes()), order),
    ]


def mobile(order: random.Random) -> list[Group]:
    """Return the mix of a site whose learners use mobile apps."""
    style = SITE_STYLE
    return [
        group(0.4, style, [((build,), 20) for build in requests(mobile=True)], order),
        group(0.45, style, builders(MOBILE), order),
        group(0.03, style, submissions(PROBLEMS), order),
        group(0.05, style, known(OTHER_KNOWN), order),
        group(0.04, style, builders(FREQUENT), order),
        group(0.02, style, known(BROWSER_VIDEOS), order),
        group(0.01, style, odd(shapes(MOBILE)), order),
    ]


def old(order: random.Random) -> list[Group]:
    """Return the mix of logs of 2013 to 2016: ids of the old format, and half of the events without a name."""
    style = OLD_STYLE
    return [
        group(0.4, style, [((build,), 40) for build in requests()], order),
        group(0.2, style, known(BROWSER_VIDEOS), order),
        group(0.05, style, known(OLD_KNOWN), order),
        group(0.15, style, submissions(PROBLEMS), order),
        group(0.005, style, submissions(LONG_PROBLEMS), order),
        group(0.04, style, known(OTHER_KNOWN), order),
        group(0.145, style, builders(FREQUENT), order),
        group(0.01, style, odd(shapes()), order),
    ]


def alike(order: random.Random) -> list[Group]:
    """Return the mix in which every form of every event has every odd shape, all equally often."""
    style = ALIKE_STYLE
    return [
        group(0.7, style, odd(shapes(FORMS.values())), order),
        group(0.15, style, builders(FORMS.values(), 4), order),
        group(0.05, style, submissions([*PROBLEMS, *LONG_PROBLEMS]), order),
        group(0.06, style, builders([*FREQUENT, *RARE], 4), order),
        group(0.04, style, [((build,), 10) for build in requests()], order),
    ]


MIXES = {"site": site, "mobile": mobile, "old": old, "every shape alike": alike}


@lru_cache
def groups(mix: str) -> list[Group]:
    """Return the groups of a mix. They do not depend on the seed of a log."""
    return MIXES[mix](random.Random(mix))
