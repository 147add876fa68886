"""The sample log: all forms of all known events, and other lines as in real logs, in one week of March 2026."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.support import sample_identities as sample
from tests.support.event_forms import Form, raw_event
from tests.support.event_scene import Scene
from tests.support.known_events import FORMS
from tests.support.other_lines import implicit_event, other_event, other_programs_line

if TYPE_CHECKING:
    from collections.abc import Iterator

Entry = Callable[[Scene], bytes]

ROUNDS = 3
FIRST_DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS = 7
DAY_SECONDS = 10 * 3600

COURSES = (sample.ASTRO, sample.REEFS, sample.LINGUISTICS)
PEOPLE = sample.LEARNERS | sample.XAPI_ONLY | sample.RETIRED
INSTRUCTOR = 9


def line(event: dict[str, Any], scene: Scene, *, ascii_only: bool = True) -> bytes:
    """Return the line of an event in the LMS's tracking log, or (every third event) in its container's output."""
    text = json.dumps(event, ensure_ascii=ascii_only)
    if scene.number % 3:
        return text.encode() + b"\n"
    time = datetime.fromisoformat(scene.time).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
    prefix = f"{time} INFO 17 [tracking] [user {scene.user_id}] [ip {scene.ip}] logger.py:41 - "
    return (prefix + text).encode() + b"\n"


def known(form: Form) -> Entry:
    def entry(scene: Scene) -> bytes:
        if form.key.endswith(".by_instructor"):
            scene = scene._replace(user_id=INSTRUCTOR, username=PEOPLE[INSTRUCTOR])
        return line(raw_event(form, scene), scene)

    return entry


def of(key: str, **changes: Any) -> Entry:
    """Return an entry of a known form, with a changed scene."""
    return lambda scene: line(raw_event(FORMS[key], scene._replace(**changes)), scene._replace(**changes))


def with_fields(key: str, **fields: Any) -> Entry:
    """Return an entry of a known form, with changed fields of the event."""
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
    """Return a thread whose title is not escaped, as in logs that another program rewrote."""

    def entry(scene: Scene) -> bytes:
        event = raw_event(FORMS["edx.forum.thread.created"], scene)
        event["event"] = event["event"] | {"title": title}
        return line(event, scene, ascii_only=False)

    return entry


def with_time_format(time_format: str) -> Entry:
    def entry(scene: Scene) -> bytes:
        time = datetime.fromisoformat(scene.time).strftime(time_format)
        return line(raw_event(FORMS["pause_video"], scene) | {"time": time}, scene)

    return entry


def cut(entry: Entry, start: int = 0, end: int | None = None) -> Entry:
    return lambda scene: entry(scene)[start:end].rstrip(b"\n") + b"\n"


def cut_in_a_character(scene: Scene) -> bytes:
    whole = titled("Only half a star: ⭐")(scene)
    return whole[: whole.index("⭐".encode()) + 2] + b"\n"


def carriage_return(entry: Entry) -> Entry:
    return lambda scene: entry(scene).rstrip(b"\n") + b"\r\n"


def unchanged(text: bytes) -> Entry:
    return lambda _: text


UNKNOWN_COURSE = "course-v1:ExampleX+GONE999+2019"
FOREIGN_COURSE = "moodle-course-42"

ODDITIES: list[Entry] = [
    unchanged(b"\n"),
    of("edx.ui.lms.link_clicked", username="", user_id=None),
    of("edx.video.played", username="", user_id=None),
    titled("🌌 لماذا السماء مظلمة ليلاً؟"),
    of("play_video", course_id=sample.EVENING_GROUP),
    of("problem_check.server", course_id=sample.EVENING_GROUP),
    of("problem_check.browser", course_id=sample.EVENING_GROUP),
    of("edx.course.enrollment.activated", course_id=sample.EVENING_GROUP),
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
    of("problem_check.server", course_id=sample.TEA),
    of("edx.ui.lms.link_clicked", course_id=sample.TEA),
    of("play_video", course_id=sample.TEA),
    of("edx.ui.lms.outline.selected", course_id=FOREIGN_COURSE),
    of("play_video", course_id=FOREIGN_COURSE),
    carriage_return(of("stop_video")),
    unchanged(b"   \t\n"),
    with_fields("problem_check.browser", event=""),
    with_fields("showanswer", event=""),
    with_fields("edx.ui.lms.link_clicked", event=""),
    without_event,
    with_time_format("%Y-%m-%dT%H:%M:%SZ"),
    with_time_format("%Y-%m-%dT%H:%M:%S+00:00"),
    with_time_format("%Y-%m-%dT%H:%M:%S.%f+02:00"),
    with_time_format("%Y-%m-%d %H:%M:%S.%f+00:00"),
    titled("Un café à Saint-Étienne, ça va ?"),
    cut_in_a_character,
    unchanged(b'["an", "array"]\n'),
    unchanged(b'{"name": "play_video", "context": null, "event": {}, "time": null}\n'),
    unchanged(b"\r\n"),
]


def entries() -> list[Entry]:
    """Return all entries. The rarer ones are spread evenly among the known events."""
    forms = sorted(FORMS.values(), key=lambda form: hashlib.sha1(form.key.encode()).digest())
    everyday: list[Entry] = [known(form) for _ in range(ROUNDS) for form in forms]
    implicit: list[Entry] = [lambda scene: line(implicit_event(scene), scene)] * 60
    other: list[Entry] = [lambda scene: line(other_event(scene), scene)] * 42
    output: list[Entry] = [lambda scene: other_programs_line(scene).encode() + b"\n"] * 10
    placed = [
        (position / len(group), rank, entry)
        for rank, group in enumerate((everyday, implicit, other, output, ODDITIES))
        for position, entry in enumerate(group)
    ]
    return [entry for *_, entry in sorted(placed, key=lambda place: place[:2])]


def scene_of(index: int, count: int) -> Scene:
    people = list(PEOPLE.items())
    # The steps have no common divisors, so that all users, courses and forms are combined.
    user_id, username = people[index * 7 % len(people)]
    other_id, other_username = people[(index * 7 + 3) % 6]
    day, within = divmod(index * DAYS / count, 1)
    time = FIRST_DAY + timedelta(days=day, seconds=within * DAY_SECONDS, microseconds=index * 7919 % 1000)
    return Scene(
        user_id=user_id,
        username=username,
        course_id=COURSES[index * 5 // 4 % len(COURSES)],
        time=time.isoformat(timespec="microseconds"),
        session=hashlib.sha1(f"{user_id}/{day}".encode()).hexdigest()[:32],
        ip=f"172.18.0.{user_id}",
        number=index,
        other_id=other_id,
        other_username=other_username,
    )


def sample_lines() -> Iterator[bytes]:
    """Yield the sample log's lines, with their line ends."""
    all_entries = entries()
    for index, entry in enumerate(all_entries):
        yield entry(scene_of(index, len(all_entries)))
