"""The lines, users and courses of logs like those of real sites, by mix (``site_mixes.MIXES``).

A line is a template with its own user, course, problem, time and session. Some users and courses are unknown to the
LMS, and some of these never occur again. Some users have retired: the log has their old usernames.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from bisect import bisect
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tests.support.log_templates import PLACEHOLDERS
from tests.support.sample_identities import SALT
from tests.support.site_episodes import PROBLEM
from tests.support.site_mixes import groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.log_templates import Template

#: The start of a log, and the largest number of microseconds between two lines.
CLOCKS = {"old": (datetime(2013, 6, 1, tzinfo=UTC), 2**27)}
DEFAULT_CLOCK = (datetime(2026, 3, 1, tzinfo=UTC), 2**16)
#: The placeholders of a line. The time is without its zone, because some events have none.
LINE_PLACEHOLDERS = (*PLACEHOLDERS[:4], PLACEHOLDERS[4].partition("+")[0], PLACEHOLDERS[5], PROBLEM)
PATTERN = re.compile("|".join(map(re.escape, LINE_PLACEHOLDERS)))

PROBLEMS_PER_COURSE = 500
#: One in so many users has retired.
RETIRED_EVERY = 40
#: The number of unknown users who occur again and again.
UNKNOWN_USERS = 50
#: Of 256 episodes, so many have an unknown user, a user who never occurs again, or the same of a course.
UNKNOWN, NEVER_AGAIN, COURSE_UNKNOWN, COURSE_NEVER_AGAIN = 4, 3, 2, 2


def site_lines(mix: str, users: int, course_names: list[tuple[bytes, bytes]], seed: int) -> Iterator[bytes]:
    """Yield the lines of an endless log."""
    episodes, cumulative = episode_templates(mix)
    start, step = CLOCKS.get(mix, DEFAULT_CLOCK)
    order = random.Random(seed)
    bits, uniform = order.getrandbits, order.random
    microseconds = 0
    for number in itertools.count():
        table = episodes[bisect(cumulative, uniform())]
        draw = bits(96)
        user = drawn_user(draw, users, number)
        org, course = drawn_course(draw >> 32, course_names, number)
        problem = digest(b"%b/%d" % (course, (draw >> 72) % PROBLEMS_PER_COURSE))
        user_id, session = b"%d" % user, digest(b"session/%d" % user)
        for text, pick in table[(draw >> 56 & 0xFFFF) % len(table)]:
            microseconds += 1 + bits(32) % step
            time = (start + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds")[:26].encode()
            yield text % pick((user_id, b"user_" + user_id, org, course, time, session, problem))


def drawn_user(draw: int, users: int, number: int) -> int:
    """Return a user id. Ids above ``users`` are unknown."""
    kind = draw & 0xFF
    if kind < UNKNOWN:
        return users + 1 + (draw >> 8) % UNKNOWN_USERS
    if kind < UNKNOWN + NEVER_AGAIN:
        return users + 1 + UNKNOWN_USERS + number
    return 1 + (draw >> 8 & 0xFFFFFF) % users


def drawn_course(draw: int, course_names: list[tuple[bytes, bytes]], number: int) -> tuple[bytes, bytes]:
    kind = draw & 0xFF
    if kind < COURSE_UNKNOWN:
        return b"Gone", b"G%d" % ((draw >> 8) % 5)
    if kind < COURSE_UNKNOWN + COURSE_NEVER_AGAIN:
        return b"Gone", b"N%d" % number
    return course_names[(draw >> 8 & 0xFFFF) % len(course_names)]


def digest(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()


@lru_cache
def episode_templates(mix: str) -> tuple[list[list[list[Template]]], list[float]]:
    """Return the templates of each group, and the cumulative probabilities of the groups."""
    wanted = [one.share * len(one.episodes) / sum(map(len, one.episodes)) for one in groups(mix)]
    total = sum(wanted)
    cumulative = [sum(wanted[: index + 1]) / total for index in range(len(wanted) - 1)]
    return [[[template(line) for line in lines] for lines in one.episodes] for one in groups(mix)], cumulative


@cache
def template(line: str) -> Template:
    """Return the template of a line with placeholders, and the function that selects its values."""
    order = [LINE_PLACEHOLDERS.index(found) for found in PATTERN.findall(line)]
    text = PATTERN.sub("%b", line.replace("%", "%%")).encode()
    return text, itemgetter(*order) if len(order) > 1 else (lambda values: tuple(values[one] for one in order))


def site_user(user: dict[str, Any]) -> dict[str, Any]:
    """Return the user as in the LMS's database: one in ``RETIRED_EVERY`` has retired."""
    if user["id"] % RETIRED_EVERY:
        return user
    hashed = hashlib.sha1((SALT + user["username"]).encode()).hexdigest()
    name = f"retired__user_{hashed}"
    return user | {"username": name, "email": f"{name}@retired.invalid"}


def site_courses(course_names: list[tuple[bytes, bytes]]) -> list[dict[str, str]]:
    """Return the courses that the LMS has: their CCX and their first runs, too. Libraries are no courses."""
    names = [f"{org.decode()}+{course.decode()}" for org, course in course_names]
    ids = [f"course-v1:{name}+2026" for name in names]
    ids += [f"ccx-v1:{name}+2026+ccx@3" for name in names]
    ids += [name.replace("+", "/") + "/2014_T1" for name in names]
    return [{"id": course_id, "display_name": f"Course {number}"} for number, course_id in enumerate(ids)]
