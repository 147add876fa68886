"""Events of real sites that have no xAPI or Caliper mapping, and requests to the LMS: the larger part of their logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.event_forms import Form, at, handler, transaction
from tests.support.event_scene import hex_id, usage_key
from tests.support.other_lines import OTHER_FORMS, implicit_event
from tests.support.site_problems import WORDS, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.event_forms import Data
    from tests.support.event_scene import Scene

MOBILE_PATHS = (
    "/api/mobile/v1/users/{name}/course_enrollments/",
    "/api/mobile/v1/video_outlines/courses/{course}",
    "/api/mobile/v1/course_info/{course}/updates",
    "/api/courses/v2/blocks/",
    "/oauth2/access_token/",
)


def other(name: str, source: str, data: Data, path: str = "") -> Form:
    return Form(name, name, source, at(path or ("/event" if source == "browser" else "/api/")), data)


def about(block_type: str, **more: Any) -> Data:
    """Return data with the usage key of a block."""
    return lambda scene: {"id": usage_key(scene, block_type), **more}


def saved(scene: Scene) -> dict[str, Any]:
    data = Problem(2, 0).graded_data(scene)
    return {key: data[key] for key in ("state", "problem_id", "answers")}


def bookmark(**more: Any) -> Data:
    return lambda scene: {
        "bookmark_id": f"{scene.username},{usage_key(scene, 'vertical')}",
        "component_type": "vertical",
        "component_usage_id": usage_key(scene, "vertical"),
        "course_id": scene.course_id,
        **more,
    }


def essay(scene: Scene) -> dict[str, Any]:
    parts = [{"text": f"{WORDS[n % len(WORDS)]}, and I think that… " * 8} for n in range(1 + scene.number % 5)]
    return {
        "submission_uuid": transaction(scene),
        "submitted_at": scene.time,
        "created_at": scene.time,
        "attempt_number": 1,
        "answer": {"parts": parts, "file_keys": [], "files_descriptions": []},
    }


def assessed(scene: Scene) -> dict[str, Any]:
    option = {"name": "Good", "label": "Good", "points": 3, "explanation": WORDS[scene.number % len(WORDS)]}
    criteria = [{"name": f"Criterion {n}", "options": [option]} for n in range(3)]
    scored = [{"option": option, "criterion": one, "feedback": "<em>well done</em>"} for one in criteria]
    return {"submission_uuid": transaction(scene), "scorer_id": hex_id("scorer", scene), "parts": scored}


def assigned(scene: Scene) -> dict[str, Any]:
    blocks = [
        {
            "original_usage_key": f"lib-block-v1:{scene.org_id}+LIB{n}+type@problem+block@{hex_id('library', scene)}",
            "usage_key": usage_key(scene, "problem"),
            "descendants": [],
        }
        for n in range(3)
    ]
    return {"location": usage_key(scene, "library_content"), "result": blocks, "added": blocks[:1], "max_count": 3}


def certificate(scene: Scene) -> dict[str, Any]:
    data = {"course_id": scene.course_id, "user_id": scene.user_id, "certificate_id": hex_id("certificate", scene)}
    return data | {"enrollment_mode": "verified", "generation_mode": "self"}


def cohort(scene: Scene) -> dict[str, Any]:
    return {"cohort_id": scene.number % 9, "cohort_name": "Grupo {b} “tarde”", "user_id": scene.user_id}


#: The most frequent ones: pages, sequences, problems.
FREQUENT = (
    other("page_close", "browser", lambda _: "{}"),
    other("seq_goto", "browser", about("sequential", old=1, new=3)),
    other("seq_next", "browser", about("sequential", old=1, new=2)),
    other("problem_graded", "browser", Problem(1, 1).rendered_data),
    Form("save_problem_success", "save_problem_success", "server", handler("problem_save"), saved, "Quiz"),
    other("problem_show", "browser", lambda scene: {"problem": usage_key(scene, "problem")}),
)

RARE = (
    other("edx.bookmark.added", "server", bookmark()),
    other("edx.bookmark.removed", "server", bookmark(removed=True)),
    other("edx.bookmark.listed", "server", lambda scene: {"course_id": scene.course_id, "page_number": 1}),
    other("openassessmentblock.create_submission", "server", essay),
    other("openassessmentblock.save_submission", "server", lambda scene: {"saved_response": json.dumps(essay(scene))}),
    other("openassessmentblock.peer_assess", "server", assessed),
    other("openassessmentblock.self_assess", "server", assessed),
    other("edx.cohort.created", "server", cohort),
    other("edx.cohort.user_added", "server", cohort),
    other("edx.certificate.created", "server", certificate),
    other("edx.certificate.shared", "server", certificate),
    other("edx.librarycontentblock.content.assigned", "server", assigned),
    other("edx.drag_and_drop_v2.item.dropped", "server", about("drag-and-drop-v2", is_correct=True, item_id=2)),
    other("xblock.poll.submitted", "server", lambda scene: {"url_name": hex_id("poll", scene), "choice": "R"}),
    other("edx.forum.searched", "server", lambda scene: {"query": WORDS[scene.number % len(WORDS)], "page": 0}),
    *OTHER_FORMS,
)


def mobile_request(scene: Scene) -> dict[str, Any]:
    """Return the event that the LMS logs for a request of a mobile app."""
    path = MOBILE_PATHS[scene.number % len(MOBILE_PATHS)].format(course=scene.course_id, name=scene.username)
    event = implicit_event(scene) | {"event_type": path, "agent": "edX/org.edx.mobile (Android 14; Dalvik/2.1.0)"}
    event["context"]["path"] = path
    return event | ({"name": path} if "name" in event else {})


def short_request(scene: Scene) -> dict[str, Any]:
    """Return one of the shortest events: a request without a course, by a program."""
    path = ("/heartbeat", "/jsi18n/", "/favicon.ico", "/")[scene.number % 4]
    return {
        "context": {"user_id": None, "path": path, "course_id": "", "org_id": ""},
        "username": "",
        "ip": "10.0.0.7",
        "agent": "kube-probe/1.30",
        "host": "lms",
        "event": '{"GET": {}, "POST": {}}',
        "time": scene.time,
        "event_type": path,
        "event_source": "server",
        "page": None,
    }


def requests(*, mobile: bool = False) -> tuple[Callable[[Scene], dict[str, Any]], ...]:
    """Return the builders of requests, each as often as it occurs."""
    return (mobile_request,) * 8 + (implicit_event,) * 2 if mobile else (implicit_event,) * 15 + (short_request,)
