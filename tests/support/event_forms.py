"""The forms of tracking events, for the sample log, the generated logs and the variations.

An event name can have several forms: ``problem_check`` comes from browsers with a query string and from the server
with the graded submission. ``known_events.FORMS`` has all forms, by a key that begins with the name. ``raw_event``
returns the event of a form, as in the LMS's tracking log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.support.event_scene import USER_AGENTS, Scene, hex_id, usage_key

HOST = "lms.example.com"
ROOT = f"http://{HOST}"

Data = Callable[[Scene], Any]


class Form(NamedTuple):
    """One form of an event: its source (``server``, ``browser`` or ``mobile``), its path and its data."""

    key: str
    name: str
    source: str
    path: Callable[[Scene], str]
    data: Data
    module: str | None = None
    async_context: bool = False


def page(scene: Scene) -> str:
    block = quote(usage_key(scene, "vertical"), safe="")
    return f"{ROOT}/courses/{scene.course_id}/courseware/{hex_id('chapter', scene)}/?activate_block_id={block}"


def xblock_page(scene: Scene) -> str:
    return (
        f"{ROOT}/xblock/{usage_key(scene, 'vertical')}"
        "?exam_access=&format=Homework&recheck_access=1&show_bookmark=0&show_title=0&view=student_view"
    )


def handler(name: str) -> Callable[[Scene], str]:
    return lambda scene: (
        f"/courses/{scene.course_id}/xblock/{usage_key(scene, 'problem')}/handler/xmodule_handler/{name}"
    )


def at(path: str) -> Callable[[Scene], str]:
    return lambda scene: path.format(scene=scene, post=hex_id("post", scene)[:24])


def raw_event(form: Form, scene: Scene) -> dict[str, Any]:
    """Return the event of a form as in a line of the tracking log, before serialising it."""
    data = form.data(scene)
    browser = form.source == "browser"
    event: dict[str, Any] = {"name": form.name, "context": context(form, scene), "username": scene.username}
    event |= client(form, scene)
    # Browsers and mobile apps post JSON texts, which the LMS logs unchanged.
    event["event"] = json.dumps(data) if form.source != "server" and isinstance(data, dict) else data
    event |= {"time": scene.time, "event_type": LEGACY_TYPES.get(form.name, form.name), "event_source": form.source}
    event["page"] = page(scene) if browser else ("x_module" if form.module else None)
    if form.async_context:
        event["context"] |= {"event_source": form.source, "referer": event["referer"], "page": event["page"]}
    return event


def context(form: Form, scene: Scene) -> dict[str, Any]:
    fields: dict[str, Any] = {"course_id": scene.course_id}
    if form.source == "server":
        fields["course_user_tags"] = {}
    fields |= {"user_id": scene.user_id, "path": form.path(scene), "org_id": scene.org_id, "enterprise_uuid": ""}
    if form.module:
        fields |= {"module": {"display_name": form.module, "usage_key": usage_key(scene, "problem")}, "asides": {}}
    if form.source == "mobile":
        fields |= {
            "application": {"name": "org.example.learning", "version": "4.2.1"},
            "client": {"os": {"name": "Android", "version": "14"}, "device": {"model": "Pixel 7"}},
            "component": "videoplayer",
        }
    return fields


def client(form: Form, scene: Scene) -> dict[str, Any]:
    mobile = form.source == "mobile"
    return {
        "session": scene.session,
        "ip": scene.ip,
        "agent": "org.example.learning/4.2.1 (Android 14)" if mobile else USER_AGENTS[scene.number % len(USER_AGENTS)],
        "host": HOST,
        "referer": "" if mobile else xblock_page(scene) if form.module else page(scene),
        "accept_language": "en-US,en;q=0.9",
    }


# The values of event_type that differ from the name.
LEGACY_TYPES = {
    "edx.video.loaded": "load_video",
    "edx.video.played": "play_video",
    "edx.video.paused": "pause_video",
    "edx.video.stopped": "stop_video",
    "edx.video.position.changed": "seek_video",
    "edx.video.transcript.shown": "show_transcript",
    "edx.video.transcript.hidden": "hide_transcript",
    "edx.ui.lms.sequence.next_selected": "seq_next",
    "edx.ui.lms.sequence.previous_selected": "seq_prev",
    "edx.ui.lms.sequence.tab_selected": "seq_goto",
}


def video(**more: Data) -> Data:
    def data(scene: Scene) -> dict[str, Any]:
        fields = {"id": hex_id("video", scene), "code": "html5", "duration": 120 + scene.number % 400}
        return fields | {key: value(scene) for key, value in more.items()}

    return data


def seconds(scene: Scene) -> float:
    return (scene.number * 7919 % 120_000) / 1000


def sequence(**more: Any) -> Data:
    def data(scene: Scene) -> dict[str, Any]:
        fields = {"current_tab": 1 + scene.number % 9, "id": usage_key(scene, "sequential"), "tab_count": 10}
        return fields | {"widget_placement": "top" if scene.number % 2 else "bottom"} | more

    return data


def target(name: str | None = None) -> Data:
    def data(scene: Scene) -> dict[str, Any]:
        where = f"{ROOT}/courses/{scene.course_id}/jump_to/{usage_key(scene, 'sequential')}"
        fields = {"current_url": f"{ROOT}/courses/{scene.course_id}/course/", "target_url": where}
        return fields if name is None else fields | {"target_name": name, "widget_placement": "accordion"}

    return data


def graded(**more: Any) -> Data:
    def data(scene: Scene) -> dict[str, Any]:
        fields = {"user_id": str(scene.user_id), "course_id": scene.course_id}
        fields |= {"problem_id": usage_key(scene, "problem"), "event_transaction_id": transaction(scene)}
        return fields | {"event_transaction_type": "edx.grades.problem.submitted"} | more

    return data


def course_grade(percent: float, letter: str) -> Data:
    return lambda scene: {
        "user_id": str(scene.user_id),
        "course_id": scene.course_id,
        "course_version": hex_id("version", scene)[:24],
        "percent_grade": percent,
        "letter_grade": letter,
        "course_edited_timestamp": "2026-02-27 16:04:11.070241+00:00",
        "event_transaction_id": transaction(scene),
        "event_transaction_type": "edx.grades.problem.submitted",
        "grading_policy_hash": "mT4f0yxGk1Jw2Q7c7Lr4nX1q0dA=",
    }


def subsection_grade(earned: float | None, possible: float | None) -> Data:
    return lambda scene: {
        "user_id": str(scene.user_id),
        "course_id": scene.course_id,
        "block_id": usage_key(scene, "sequential"),
        "course_version": hex_id("version", scene)[:24],
        "weighted_total_earned": earned,
        "weighted_total_possible": possible,
        "weighted_graded_earned": earned,
        "weighted_graded_possible": possible,
        "first_attempted": "2026-03-01 09:12:44.710578+00:00",
        "subtree_edited_timestamp": "2026-02-27 16:04:11.070241+00:00",
        "event_transaction_id": transaction(scene),
        "event_transaction_type": "edx.grades.problem.submitted",
        "visible_blocks_hash": "Jt0Qb3nR1mV8uYpZ5xK2wC6sE4g=",
    }


def completion(completed: float) -> Data:
    return lambda scene: {
        "user_id": scene.user_id,
        "course_id": scene.course_id,
        "context_key": scene.course_id,
        "block_id": usage_key(scene, "problem"),
        "block_type": "problem",
        "completion": completed,
        "is_new": not scene.number % 3,
    }


def transaction(scene: Scene) -> str:
    digits = hex_id("transaction", scene)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def enrolment(scene: Scene) -> dict[str, Any]:
    return {"course_id": scene.course_id, "user_id": scene.user_id, "mode": ("audit", "verified")[scene.number % 2]}


def by_instructor(scene: Scene) -> dict[str, Any]:
    # The context has the instructor, the data has the enrolled learner.
    return {"course_id": scene.course_id, "user_id": scene.other_id, "username": scene.other_username, "mode": "audit"}


def passed(scene: Scene) -> dict[str, Any]:
    return {"course_id": scene.course_id, "user_id": scene.user_id}


def exam(kind: str, status: str) -> Data:
    submitted = status == "submitted"
    return lambda scene: {
        "exam_id": 1 + scene.number % 5,
        "exam_content_id": usage_key(scene, "sequential"),
        "exam_name": "Mid-term exam",
        "exam_default_time_limit_mins": 90,
        "exam_is_proctored": kind == "proctored",
        "exam_is_practice_exam": kind == "practice",
        "exam_is_active": True,
        "attempt_id": 100 + scene.number,
        "attempt_user_id": scene.user_id,
        "attempt_started_at": "2026-03-05T09:00:04.838598+00:00" if submitted else None,
        "attempt_completed_at": "2026-03-05T09:47:53.577698+00:00" if submitted else None,
        "attempt_code": transaction(scene).upper(),
        "attempt_allowed_time_limit_mins": 90 if submitted else None,
        "attempt_status": status,
        "attempt_event_elapsed_time_secs": 2868.739 if submitted else None,
    }


def post(**more: Any) -> Data:
    def data(scene: Scene) -> dict[str, Any]:
        fields = {"commentable_id": hashlib.sha1(scene.course_id.encode()).hexdigest()[:32]}
        fields |= more | {"id": hex_id("post", scene)[:24], "url": f"{ROOT}/discussions/"}
        return fields | {"user_forums_roles": ["Student"], "user_course_roles": []}

    return data
