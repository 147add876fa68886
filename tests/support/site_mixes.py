"""The mixes of a site's log: groups of episodes, with the share of the lines that each group has."""

from __future__ import annotations

import random
from functools import lru_cache

from tests.support import site_changes as changes
from tests.support import site_writings as writings
from tests.support.known_events import FORMS, NAVIGATION, VIDEOS
from tests.support.known_events import PROBLEMS as KNOWN_PROBLEMS
from tests.support.log_templates import COURSE
from tests.support.site_episodes import Group, Style, builders, group, known, odd, shapes, submissions
from tests.support.site_events import FREQUENT, RARE, requests
from tests.support.site_problems import LONG_PROBLEMS, PROBLEMS

CCX = "ccx-v1:Qorg+Qcourse+2026+ccx@3"
LIBRARY = "library-v1:Qorg+Qcourse"
OLD_COURSE = "Qorg/Qcourse/2014_T1"

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
