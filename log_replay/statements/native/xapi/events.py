"""The transforms of all events that give xAPI statements: verb, object, context and result."""

from __future__ import annotations

from log_replay.statements.native.xapi import contexts, objects, results, verbs
from log_replay.statements.native.xapi.problem_check import problem_check
from log_replay.statements.native.xapi.statement import XapiTransform, statement

in_discussion = contexts.in_discussion
video_length = contexts.video_length

# Courses

registered = statement(verbs.REGISTERED, objects.course_in_mode, activities=contexts.no_activities)
unregistered = statement(verbs.UNREGISTERED, objects.course_in_mode, activities=contexts.no_activities)
passed = statement(verbs.PASSED, objects.course_in_mode, activities=contexts.no_activities)
failed = statement(verbs.FAILED, objects.course_in_mode, activities=contexts.no_activities)

# Forums

posted = statement(verbs.POSTED, objects.post, activities=in_discussion)
edited = statement(verbs.EDITED, objects.post, activities=in_discussion)
deleted = statement(verbs.DELETED, objects.post, activities=in_discussion)
reported = statement(verbs.REPORTED, objects.post, activities=in_discussion)
unreported = statement(verbs.UNREPORTED, objects.post, activities=in_discussion)
voted = statement(verbs.VOTED, objects.post, activities=in_discussion, extensions=contexts.vote_value)

# Navigation

outline_selected = statement(verbs.NAVIGATED, objects.outline_entry)

# Videos

loaded = statement(verbs.INITIALIZED, objects.video, extensions=video_length)
played = statement(verbs.PLAYED, objects.video, extensions=video_length, result=results.playback_position)
paused = statement(verbs.PAUSED, objects.video, extensions=video_length, result=results.playback_position)
stopped = statement(verbs.TERMINATED, objects.video, extensions=video_length, result=results.playback_position)
watched = statement(verbs.COMPLETED, objects.video, extensions=video_length, result=results.watched)
sought = statement(verbs.SEEKED, objects.video, extensions=video_length, result=results.seek)
speed_changed = statement(verbs.INTERACTED, objects.video, extensions=video_length, result=results.speed)
captions_shown = statement(verbs.INTERACTED, objects.video, extensions=video_length, result=results.captions_on)
captions_hidden = statement(verbs.INTERACTED, objects.video, extensions=video_length, result=results.captions_off)


def exam_started(kind: str) -> XapiTransform:
    """Return the transform for the start of an attempt at an exam of this kind."""
    return statement(verbs.INITIALIZED, objects.exam(kind), activities=contexts.in_exam_attempt)


def exam_submitted(kind: str) -> XapiTransform:
    """Return the transform for the end of an attempt at an exam of this kind."""
    return statement(verbs.TERMINATED, objects.exam(kind), activities=contexts.in_exam_attempt)


EVENTS: dict[str, XapiTransform] = {
    # Courses and grades
    "edx.course.enrollment.activated": registered,
    "edx.course.enrollment.mode_changed": registered,
    "edx.course.enrollment.deactivated": unregistered,
    "edx.course.grade.passed.first_time": passed,
    "edx.course.grade.now_passed": passed,
    "edx.course.grade.now_failed": failed,
    "edx.grades.course.grade_calculated": statement(verbs.EARNED, objects.course, result=results.course_grade),
    "edx.grades.subsection.grade_calculated": statement(
        verbs.EARNED, objects.graded_subsection, result=results.subsection_grade
    ),
    "edx.completion.block_completion.changed": statement(
        verbs.PROGRESSED, objects.completed_block, result=results.completion
    ),
    # Problems
    "edx.grades.problem.submitted": statement(verbs.ATTEMPTED, objects.submitted_problem, result=results.problem_grade),
    "edx.problem.completed": statement(verbs.COMPLETED, objects.problem),
    "edx.problem.hint.demandhint_displayed": statement(verbs.ASKED, objects.hint),
    "problem_check": problem_check,
    "showanswer": statement(verbs.ASKED, objects.solution),
    # Exams
    "edx.special_exam.timed.attempt.created": exam_started("timed"),
    "edx.special_exam.practice.attempt.created": exam_started("practice"),
    "edx.special_exam.proctored.attempt.created": exam_started("proctored"),
    "edx.special_exam.timed.attempt.submitted": exam_submitted("timed"),
    "edx.special_exam.practice.attempt.submitted": exam_submitted("practice"),
    "edx.special_exam.proctored.attempt.submitted": exam_submitted("proctored"),
    # Forums
    "edx.forum.thread.created": statement(
        verbs.POSTED, objects.post, activities=in_discussion, extensions=contexts.thread_type
    ),
    "edx.forum.thread.viewed": statement(verbs.VIEWED, objects.post, activities=in_discussion),
    "edx.forum.response.created": posted,
    "edx.forum.comment.created": posted,
    "edx.forum.thread.edited": edited,
    "edx.forum.response.edited": edited,
    "edx.forum.comment.edited": edited,
    "edx.forum.thread.deleted": deleted,
    "edx.forum.response.deleted": deleted,
    "edx.forum.comment.deleted": deleted,
    "edx.forum.thread.voted": voted,
    "edx.forum.response.voted": voted,
    "edx.forum.thread.reported": reported,
    "edx.forum.response.reported": reported,
    "edx.forum.comment.reported": reported,
    "edx.forum.thread.unreported": unreported,
    "edx.forum.response.unreported": unreported,
    "edx.forum.comment.unreported": unreported,
    # Navigation
    "edx.ui.lms.link_clicked": statement(verbs.NAVIGATED, objects.link),
    "edx.ui.lms.outline.selected": outline_selected,
    "edx.ui.lms.sequence.outline.selected": outline_selected,
    "edx.ui.lms.sequence.next_selected": statement(
        verbs.NAVIGATED, objects.sequence, extensions=contexts.move_to_next_unit
    ),
    "edx.ui.lms.sequence.previous_selected": statement(
        verbs.NAVIGATED, objects.sequence, extensions=contexts.move_to_previous_unit
    ),
    "edx.ui.lms.sequence.tab_selected": statement(
        verbs.NAVIGATED, objects.sequence, extensions=contexts.move_to_target_unit
    ),
    # Videos: the names of browsers' events, then those of mobile apps
    "load_video": loaded,
    "edx.video.loaded": loaded,
    "play_video": played,
    "edx.video.played": played,
    "pause_video": paused,
    "edx.video.paused": paused,
    "stop_video": stopped,
    "edx.video.stopped": stopped,
    "complete_video": watched,
    "edx.video.completed": watched,
    "seek_video": sought,
    "edx.video.position.changed": sought,
    "speed_change_video": speed_changed,
    "show_transcript": captions_shown,
    "video_show_cc_menu": captions_shown,
    "edx.video.transcript.shown": captions_shown,
    "edx.video.closed_captions.shown": captions_shown,
    "hide_transcript": captions_hidden,
    "video_hide_cc_menu": captions_hidden,
    "edx.video.transcript.hidden": captions_hidden,
    "edx.video.closed_captions.hidden": captions_hidden,
}
