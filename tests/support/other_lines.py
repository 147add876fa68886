"""Lines of a tracking log that are not known events: implicit URL events, other events, other programs' lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.event_forms import Form, at, raw_event
from tests.support.event_scene import hex_id, usage_key

if TYPE_CHECKING:
    from tests.support.event_scene import Scene

PATHS = (
    "/courses/{course}/courseware/{chapter}/{chapter}/",
    "/api/courseware/course/{course}",
    "/courses/{course}/xblock/{problem}/handler/xmodule_handler/problem_get",
    "/api/course_home/outline/{course}",
    "/courses/{course}/xblock/{vertical}",
    "/api/discussion/v1/courses/{course}/",
    "/dashboard",
    "/event",
    "/login_refresh",
    "/jsi18n/",
)

GETS: tuple[dict[str, list[str]], ...] = (
    {},
    {"activate_block_id": ["block-v1"]},
    {"show_title": ["0"], "show_bookmark_button": ["0"], "view": ["student_view"]},
)


def implicit_event(scene: Scene) -> dict[str, Any]:
    """Return the event that the LMS logs for a request: its name is the URL, or it has no name."""
    ids = {block: usage_key(scene, block) for block in ("problem", "vertical")}
    ids |= {"course": scene.course_id, "chapter": hex_id("chapter", scene)}
    path = PATHS[scene.number % len(PATHS)].format(**ids)
    post = {"input_state": ["x" * 480]} if scene.number % 10 == 0 else {}
    # The LMS cuts the parameters after 512 characters, even if that is not valid JSON.
    parameters = json.dumps({"GET": GETS[scene.number % len(GETS)], "POST": post})[:512]
    event = raw_event(Form(path, path, "server", lambda _: path, lambda _: parameters), scene)
    if scene.number % 2:
        del event["name"]
    return event


def other_form(name: str, source: str, data: Any) -> Form:
    return Form(name, name, source, at("/event" if source == "browser" else "/api/"), lambda _: data)


OTHER_FORMS = (
    other_form("page_close", "browser", "{}"),
    other_form(
        "problem_graded", "browser", json.dumps(["input_2_1=choice_1", '<div class="problem">\n Correct</div>'])
    ),
    other_form("seq_goto", "browser", {"old": 1, "new": 3, "id": "block"}),
    other_form("problem_save", "browser", "input_2_1=choice_1"),
    other_form("edx.user.settings.viewed", "browser", {"page": "account", "visibility": None}),
    other_form("textbook.pdf.page.navigated", "browser", {"chapter": "/static/ch1.pdf", "page": 7}),
    other_form("edx.video.language_menu.shown", "browser", {"id": "v", "code": "html5", "duration": 195}),
    other_form("edx.video.language_menu.hidden", "browser", {"id": "v", "code": "html5", "duration": 195}),
    other_form("edx.certificate.created", "server", {"generation_mode": "self", "certificate_id": "c0ffee"}),
    other_form("edx.cohort.user_added", "server", {"cohort_id": 4, "cohort_name": "Group with {braces}"}),
    other_form("edx.bookmark.added", "server", {"bookmark_id": "user,block", "component_type": "vertical"}),
    other_form("edx.librarycontentblock.content.assigned", "server", {"result": [], "added": [], "max_count": 1}),
    other_form("openassessmentblock.create_submission", "server", {"submission_uuid": "5d1c", "attempt_number": 1}),
    other_form("edx.bi.user.account.linked", "server", {"label": 'name: "play_video"', "name": "play_video"}),
)


def other_event(scene: Scene) -> dict[str, Any]:
    return raw_event(OTHER_FORMS[scene.number % len(OTHER_FORMS)], scene)


def other_programs_line(scene: Scene) -> str:
    """Return a line of a container's output that is not a tracking event."""
    time = scene.time[:19].replace("T", " ")
    lines = (
        f"{time},113 WARNING 17 [xmodule.modulestore] [user {scene.user_id}] [ip {scene.ip}] mixed.py:88 - slow",
        f"[pid: 17|app: 0|req: {scene.number}/901] {scene.ip} () {{68 vars in 1458 bytes}} GET /heartbeat => 31 bytes",
        "Traceback (most recent call last):",
        "[2026-03-02 08:15:27 +0000] [17] [INFO] Booting worker with pid: 17",
        f"{time},114 INFO 17 [xapi_tracking] [user None] [ip None] transformer_processor.py:61 - "
        + json.dumps({"id": "0bcb41a8-7a9f-5b1c-8f0e-0d4b1c1f1b11", "version": "1.0.3", "verb": {"id": "x"}}),
    )
    return lines[scene.number % len(lines)]
