"""Episodes of a site's log: one event, or the events of one submission of a problem, as lines with placeholders.

``log_templates`` and ``site_log`` replace the placeholders. A style sets the courses, users and line formats.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.event_forms import raw_event
from tests.support.event_scene import Scene, hex_id
from tests.support.known_events import FORMS
from tests.support.log_templates import PLACEHOLDERS, weight

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from tests.support.event_forms import Form
    from tests.support.odd_shapes import Shape
    from tests.support.site_problems import Problem
    from tests.support.site_writings import Writing

Build = Callable[[Scene], dict[str, Any]]
Change = Callable[[dict[str, Any]], None]
Episode = list[str]
#: Builders of the events of an episode, and its weight.
Weighted = tuple[tuple[Build, ...], int]

#: The placeholder for the id of a problem. A log has more problems than templates.
PROBLEM = "fedcba9876543210" * 2

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
        scene = _new_scene(_drawn(self.courses, order), order.randrange(1, 400))
        applied = [change for change, share in self.changes.items() if order.random() < share]
        return [self._line(build(scene), scene, applied, order) for build in builds]

    def _line(self, raw: dict[str, Any], scene: Scene, applied: list[Change], order: random.Random) -> str:
        for change in applied:
            change(raw)
        text = _drawn(self.writings, order)(raw, order)
        return text.replace(hex_id("problem", scene), PROBLEM)


def _drawn(shares: dict[Any, float], order: random.Random) -> Any:
    return order.choices(list(shares), list(shares.values()))[0]


def _new_scene(course: str, number: int) -> Scene:
    user_id, username, _, _, time, session = PLACEHOLDERS
    return Scene(
        int(user_id), username, course, time, session, number=number, other_id=int(user_id), other_username=username
    )


def group(share: float, style: Style, weighted: Iterable[Weighted], order: random.Random) -> Group:
    """Return a group of episodes of events, each as often as its weight."""
    episodes: list[Episode] = []
    for builds, count in weighted:
        variants = [style.episode(builds, order) for _ in range(min(count, VARIANTS))]
        episodes += [variants[turn % len(variants)] for turn in range(count)]
    return Group(share, episodes)


def builders(forms: Iterable[Form], count: int = VARIANTS) -> list[Weighted]:
    """Return builders of events, all with the same weight."""
    return [((partial(raw_event, form),), count) for form in forms]


def known(forms: Iterable[Form]) -> list[Weighted]:
    """Return builders of known events, with their usual weights."""
    return [((partial(raw_event, form),), weight(form.key)) for form in forms]


def submissions(problems: Iterable[Problem]) -> list[Weighted]:
    """Return builders of the events of a submission: from the browser and from the server."""
    return [(tuple(partial(raw_event, form) for form in problem.forms()), VARIANTS) for problem in problems]


def shapes(forms: Iterable[Form] | None = None) -> list[tuple[Shape, str]]:
    """Return the odd shapes of these forms. By default each shape has the forms that have it in real logs."""
    from tests.support.odd_shapes import SHAPES  # imports hypothesis, which takes half a second

    return [(shape, key) for shape in SHAPES for key in (shape.forms if forms is None else [one.key for one in forms])]


def odd(shapes_of_forms: Iterable[tuple[Shape, str]]) -> list[Weighted]:
    """Return builders of events of odd shapes, all with the same weight."""
    return [((partial(_odd_event, shape, form),), 1) for shape, form in shapes_of_forms]


def _odd_event(shape: Shape, form: str, scene: Scene) -> dict[str, Any]:
    """Return an event of an odd shape. Browsers and mobile apps post the data as a text."""
    raw = shape.raw(form, scene)
    if FORMS[form].source != "server" and isinstance(raw.get("event"), dict):
        raw["event"] = json.dumps(raw["event"])
    return raw
