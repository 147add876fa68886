"""The sample log: every known event in every form, and what real logs hold beside them, over a week of March 2026."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.support import sample_identities as who
from tests.support.event_forms import Form, raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS
from tests.support.other_lines import chatter, implicit_event, other_event

if TYPE_CHECKING:
    from collections.abc import Iterator

Entry = Callable[[Scene], bytes]

ROUNDS = 3
FIRST_DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS = 7
DAY_SECONDS = 10 * 3600

COURSES = (who.ASTRO, who.REEFS, who.LINGUISTICS)
PEOPLE = who.LEARNERS | who.XAPI_ONLY | who.RETIRED
INSTRUCTOR = 9


def line(event: dict[str, Any], scene: Scene, *, ascii_only: bool = True) -> bytes:
    """Return an event as the LMS writes it: to its tracking log, or (every third) to its container's output."""
    text = json.dumps(event, ensure_ascii=ascii_only)
    if scene.number % 3:
        return text.encode() + b"\n"
    moment = datetime.fromisoformat(scene.time).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
    prefix = f"{moment} INFO 17 [tracking] [user {scene.user_id}] [ip {scene.ip}] logger.py:41 - "
    return (prefix + text).encode() + b"\n"


def known(form: Form) -> Entry:
    def entry(scene: Scene) -> bytes:
        if form.key.endswith(".by_instructor"):
            scene = scene._replace(user_id=INSTRUCTOR, username=PEOPLE[INSTRUCTOR])
        return line(raw_event(form, scene), scene)

    return entry


def of(key: str, **changes: Any) -> Entry:
    """Return an entry of a known form, with its scene changed."""
    return lambda scene: line(raw_event(FORMS[key], scene._replace(**changes)), scene._replace(**changes))


def with_fields(key: str, **fields: Any) -> Entry:
    """Return an entry of a known form, with fields of the event itself changed."""
    return lambda scene: line(raw_event(FORMS[key], scene) | fields, scene)


def by_username_only(username: str, key: str) -> Entry:
    def entry(scene: Scene) -> bytes:
        event = raw_event(FORMS[key], scene._replace(username=username))
        event["context"]["user_id"] = None
        return line(event, scene)

    return entry


def by_user_id_only(key: str) -> Entry:
    def entry(scene: Scene) -> bytes:
        event = raw_event(FORMS[key], scene)
        del event["username"]
        return line(event, scene)

    return entry


def without_event(scene: Scene) -> bytes:
    event = raw_event(FORMS["play_video"], scene)
    del event["event"]
    return line(event, scene)


def titled(title: str) -> Entry:
    """Return a thread whose title is written in UTF-8, as logs that went through another program have it."""

    def entry(scene: Scene) -> bytes:
        event = raw_event(FORMS["edx.forum.thread.created"], scene)
        event["event"] = event["event"] | {"title": title}
        return line(event, scene, ascii_only=False)

    return entry


def at_moment(spelling: str) -> Entry:
    def entry(scene: Scene) -> bytes:
        moment = datetime.fromisoformat(scene.time).strftime(spelling)
        return line(raw_event(FORMS["pause_video"], scene) | {"time": moment}, scene)

    return entry


def cut(entry: Entry, start: int = 0, end: int | None = None) -> Entry:
    return lambda scene: entry(scene)[start:end].rstrip(b"\n") + b"\n"


def cut_in_a_character(scene: Scene) -> bytes:
    whole = titled("Only half a star: ⭐")(scene)
    return whole[: whole.index("⭐".encode()) + 2] + b"\n"


def carriage_return(entry: Entry) -> Entry:
    return lambda scene: entry(scene).rstrip(b"\n") + b"\r\n"


def as_it_is(text: bytes) -> Entry:
    return lambda _: text


UNKNOWN_COURSE = "course-v1:ExampleX+GONE999+2019"
FOREIGN_COURSE = "moodle-course-42"

ODDITIES: list[Entry] = [
    as_it_is(b"\n"),
    of("edx.ui.lms.link_clicked", username="", user_id=None),
    of("edx.video.played", username="", user_id=None),
    titled("🌌 لماذا السماء مظلمة ليلاً؟"),
    of("play_video", course_id=who.EVENING_GROUP),
    of("problem_check.server", course_id=who.EVENING_GROUP),
    of("problem_check.browser", course_id=who.EVENING_GROUP),
    of("edx.course.enrollment.activated", course_id=who.EVENING_GROUP),
    cut(known(FORMS["seek_video"]), start=240),
    of("play_video", user_id=10, username="noor"),
    of("edx.course.enrollment.activated", user_id=10, username="noor"),
    of("edx.ui.lms.sequence.next_selected", user_id=999, username="ghost"),
    of("problem_check.server_questions", user_id=999, username="ghost"),
    by_username_only("farah", "edx.ui.lms.link_clicked"),
    by_username_only("farah", "pause_video"),
    by_username_only("1984", "edx.forum.thread.viewed"),
    by_username_only("李雷", "showanswer"),
    by_username_only("ghost", "showanswer"),
    by_user_id_only("edx.special_exam.timed.attempt.submitted"),
    by_user_id_only("edx.forum.response.voted"),
    cut(known(FORMS["problem_check.server"]), end=900),
    of("edx.forum.thread.created", course_id=UNKNOWN_COURSE),
    of("play_video", course_id=UNKNOWN_COURSE),
    of("problem_check.server", course_id=who.TEA),
    of("edx.ui.lms.link_clicked", course_id=who.TEA),
    of("play_video", course_id=who.TEA),
    of("edx.ui.lms.outline.selected", course_id=FOREIGN_COURSE),
    of("play_video", course_id=FOREIGN_COURSE),
    carriage_return(of("stop_video")),
    as_it_is(b"   \t\n"),
    with_fields("problem_check.browser", event=""),
    with_fields("showanswer", event=""),
    with_fields("edx.ui.lms.link_clicked", event=""),
    without_event,
    at_moment("%Y-%m-%dT%H:%M:%SZ"),
    at_moment("%Y-%m-%dT%H:%M:%S+00:00"),
    at_moment("%Y-%m-%dT%H:%M:%S.%f+02:00"),
    at_moment("%Y-%m-%d %H:%M:%S.%f+00:00"),
    titled("Un café à Saint-Étienne, ça va ?"),
    cut_in_a_character,
    as_it_is(b'["an", "array"]\n'),
    as_it_is(b'{"name": "play_video", "context": null, "event": {}, "time": null}\n'),
    as_it_is(b"\r\n"),
]


def entries() -> list[Entry]:
    """Return all lines to be, the rarer ones spread evenly among the known events."""
    forms = sorted(FORMS.values(), key=lambda form: hashlib.sha1(form.key.encode()).digest())
    everyday: list[Entry] = [known(form) for _ in range(ROUNDS) for form in forms]
    implicit: list[Entry] = [lambda scene: line(implicit_event(scene), scene)] * 60
    other: list[Entry] = [lambda scene: line(other_event(scene), scene)] * 42
    chat: list[Entry] = [lambda scene: chatter(scene).encode() + b"\n"] * 10
    placed = [
        (position / len(kind), rank, entry)
        for rank, kind in enumerate((everyday, implicit, other, chat, ODDITIES))
        for position, entry in enumerate(kind)
    ]
    return [entry for *_, entry in sorted(placed, key=lambda place: place[:2])]


def scene_of(index: int, count: int) -> Scene:
    people = list(PEOPLE.items())
    # Strides without common divisors let everybody meet every course and every form.
    user_id, username = people[index * 7 % len(people)]
    other_id, other_username = people[(index * 7 + 3) % 6]
    day, within = divmod(index * DAYS / count, 1)
    moment = FIRST_DAY + timedelta(days=day, seconds=within * DAY_SECONDS, microseconds=index * 7919 % 1000)
    return Scene(
        user_id=user_id,
        username=username,
        course_id=COURSES[index * 5 // 4 % len(COURSES)],
        time=moment.isoformat(timespec="microseconds"),
        session=hashlib.sha1(f"{user_id}/{day}".encode()).hexdigest()[:32],
        ip=f"172.18.0.{user_id}",
        number=index,
        other_id=other_id,
        other_username=other_username,
    )


def sample_lines() -> Iterator[bytes]:
    """Yield the sample log's lines, each with its line end."""
    all_entries = entries()
    for index, entry in enumerate(all_entries):
        yield entry(scene_of(index, len(all_entries)))
