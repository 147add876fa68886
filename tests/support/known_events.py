"""All forms of all events in event-routing-backends' registries: ``FORMS`` by key, ``FORMS_OF`` by event name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.event_forms import (
    Data,
    Form,
    at,
    by_instructor,
    completion,
    course_grade,
    enrolment,
    exam,
    graded,
    handler,
    passed,
    post,
    seconds,
    sequence,
    subsection_grade,
    target,
    video,
)
from tests.support.event_scene import Scene, hex_id, usage_key
from tests.support.problem_checks import (
    checked,
    checked_text,
    checked_without_response_type,
    checked_without_submission,
    posted_answers,
    questions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKBOXES = "Checkboxes"


def server(
    name: str, path: str | Callable[[Scene], str], data: Data, form: str = "", module: str | None = None
) -> Form:
    return Form(name + form, name, "server", at(path) if isinstance(path, str) else path, data, module)


def browser(name: str, data: Data, form: str = "") -> Form:
    return Form(name + form, name, "browser", at("/event"), data)


def mobile(name: str, data: Data) -> Form:
    return Form(name, name, "mobile", at("/segmentio/event"), data)


def showing(scene: Scene) -> dict[str, Any]:
    return {"problem_id": usage_key(scene, "problem")}


def hint(scene: Scene) -> dict[str, Any]:
    text = "Think of what the light has to pass through."
    return {"module_id": usage_key(scene, "problem"), "hint_index": scene.number % 3, "hint_len": 3, "hint_text": text}


def speed(scene: Scene) -> dict[str, Any]:
    speeds = {"current_time": seconds(scene), "old_speed": "1.0", "new_speed": "1.50"}
    return {"id": hex_id("video", scene), "code": "html5", "duration": 195} | speeds


def menu(scene: Scene) -> dict[str, Any]:
    return {"id": hex_id("video", scene), "code": "html5", "duration": 195, "language": "en"}


ENROLMENT = "/api/enrollment/v1/enrollment"
DASHBOARD = "/courses/{scene.course_id}/instructor/api/students_update_enrollment"
EXAM = "/api/edx_proctoring/v1/proctored_exam/attempt"
THREADS = "/api/discussion/v1/threads/"
COMMENTS = "/api/discussion/v1/comments/"
SUBMITTED = "edx.grades.problem.submitted"
SEEK: dict[str, Data] = {"old_time": seconds, "new_time": lambda scene: seconds(scene) + 10, "type": lambda _: "onSeek"}

ENROLMENTS = [
    server("edx.course.enrollment.activated", ENROLMENT, enrolment),
    server("edx.course.enrollment.activated", DASHBOARD, by_instructor, ".by_instructor"),
    server("edx.course.enrollment.deactivated", "/change_enrollment", enrolment),
    server("edx.course.enrollment.mode_changed", ENROLMENT, enrolment),
]

GRADES = [
    server("edx.course.grade.passed.first_time", handler("problem_check"), passed),
    server("edx.course.grade.now_passed", handler("problem_check"), passed),
    server("edx.course.grade.now_failed", handler("problem_check"), passed),
    server("edx.grades.course.grade_calculated", handler("problem_check"), course_grade(0.82, "B")),
    server("edx.grades.course.grade_calculated", handler("problem_check"), course_grade(0.02, ""), ".no_letter"),
    server("edx.grades.subsection.grade_calculated", handler("problem_check"), subsection_grade(2.5, 3.0)),
    server("edx.grades.subsection.grade_calculated", handler("problem_check"), subsection_grade(0.0, 0.0), ".zero"),
    server(SUBMITTED, handler("problem_check"), graded(weighted_earned=1, weighted_possible=2), "", CHECKBOXES),
    server(SUBMITTED, handler("problem_check"), graded(weighted_earned=0, weighted_possible=0), ".zero", CHECKBOXES),
    server(SUBMITTED, handler("problem_check"), graded(weighted_earned=0, weighted_possible=None), ".null", CHECKBOXES),
    server("edx.completion.block_completion.changed", handler("publish_completion"), completion(1.0)),
    server("edx.completion.block_completion.changed", handler("publish_completion"), completion(0.25), ".partial"),
    server("edx.problem.completed", handler("problem_check"), graded(weighted_earned=1, weighted_possible=1)),
]

PROBLEMS = [
    browser("problem_check", posted_answers, ".browser"),
    browser("problem_check", posted_answers, ".browser_context")._replace(async_context=True),
    server("problem_check", handler("problem_check"), checked, ".server", CHECKBOXES),
    server("problem_check", handler("problem_check"), questions, ".server_questions", "Three questions"),
    server("problem_check", handler("problem_check"), checked_text, ".server_text", "How far is the Moon?"),
    server("problem_check", handler("problem_check"), checked_without_submission, ".server_answers", CHECKBOXES),
    server("problem_check", handler("problem_check"), checked_without_response_type, ".server_untyped", CHECKBOXES),
    server("problem_check", handler("problem_check"), checked, ".server_context", CHECKBOXES)._replace(
        async_context=True
    ),
    server("showanswer", handler("problem_show"), showing, "", CHECKBOXES),
    server("edx.problem.hint.demandhint_displayed", handler("hint_button"), hint, "", "Dropdown with hints"),
]

NAVIGATION = [
    browser("edx.ui.lms.link_clicked", target()),
    browser("edx.ui.lms.outline.selected", target("Week 2: Light and telescopes")),
    browser("edx.ui.lms.sequence.outline.selected", lambda scene: target("Week 3")(scene) | sequence()(scene)),
    browser("edx.ui.lms.sequence.next_selected", sequence()),
    browser("edx.ui.lms.sequence.previous_selected", sequence()),
    browser("edx.ui.lms.sequence.tab_selected", sequence(target_tab=4)),
]

VIDEOS = [
    browser("load_video", video(duration=lambda _: 0)),
    browser("play_video", video(currentTime=seconds)),
    browser("pause_video", video(currentTime=seconds)),
    browser("stop_video", video(currentTime=lambda scene: 120 + scene.number % 400)),
    browser("complete_video", video()),
    browser("seek_video", video(**SEEK)),
    browser("speed_change_video", speed),
    browser("hide_transcript", video(current_time=seconds)),
    browser("show_transcript", video(current_time=seconds)),
    browser("video_hide_cc_menu", menu),
    browser("video_show_cc_menu", menu),
    browser("edx.video.closed_captions.hidden", video(current_time=seconds)),
    browser("edx.video.closed_captions.shown", video(current_time=seconds)),
    mobile("edx.video.loaded", video(code=lambda _: "mobile")),
    mobile("edx.video.played", video(code=lambda _: "mobile", currentTime=seconds)),
    mobile("edx.video.paused", video(code=lambda _: "mobile", current_time=seconds)),
    mobile("edx.video.stopped", video(code=lambda _: "mobile", currentTime=seconds)),
    mobile("edx.video.completed", video(code=lambda _: "mobile")),
    mobile("edx.video.position.changed", video(**SEEK, requested_skip_interval=lambda _: 10)),
    mobile("edx.video.transcript.hidden", video(code=lambda _: "mobile", current_time=seconds)),
    mobile("edx.video.transcript.shown", video(code=lambda _: "mobile", current_time=seconds)),
]

EXAMS = [
    server(f"edx.special_exam.{kind}.attempt.{status}", EXAM + end, exam(kind, status))
    for kind in ("timed", "practice", "proctored")
    for status, end in (("created", ""), ("submitted", "/{scene.number}"))
]


def forum(kind: str, verb: str, **more: Any) -> Form:
    named = {"target_username": "devi", "content_type": {"thread": "Post"}.get(kind, kind.title())}
    data = post(**({"title": "Why is the sky dark at night?"} if kind == "thread" else {}), **named, **more)
    path = THREADS if kind == "thread" else COMMENTS
    return server(f"edx.forum.{kind}.{verb}", path if verb in ("created", "viewed") else path + "{post}/", data)


THREAD = {"id": "69a5b1c2d3e4f5061728394a"}
BODY: dict[str, Any] = {"body": "<p>Because the universe is not infinitely old.</p>", "truncated": False}
FORUM = [
    forum("thread", "created", thread_type="discussion", anonymous=False, options={"followed": True}, **BODY),
    forum("thread", "viewed", from_mfe_sidebar=False, title_truncated=False),
    forum("thread", "voted", vote_value="up", undo_vote=False),
    forum("response", "created", discussion=THREAD, **BODY),
    forum("response", "voted", vote_value="down", undo_vote=True),
    forum("comment", "created", discussion=THREAD, response={"id": "69a5b1c2d3e4f5061728394b"}, **BODY),
    *(
        forum(kind, verb, own_content=True, edit_reason=None, **BODY)
        for kind in ("thread", "response", "comment")
        for verb in ("edited", "deleted", "reported", "unreported")
    ),
]

FORMS = {form.key: form for form in (*ENROLMENTS, *GRADES, *PROBLEMS, *NAVIGATION, *VIDEOS, *EXAMS, *FORUM)}
FORMS_OF: dict[str, list[Form]] = {}
for _form in FORMS.values():
    FORMS_OF.setdefault(_form.name, []).append(_form)
