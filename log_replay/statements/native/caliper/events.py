"""The transforms of all events that give Caliper events: type, action, object and target."""

from __future__ import annotations

from log_replay.statements.native.caliper import objects, problems
from log_replay.statements.native.caliper.event import CaliperTransform, caliper_event
from log_replay.statements.native.caliper.targets import media_location, seek, speeds


def media(action: str) -> CaliperTransform:
    """Return the transform of an event about a video."""
    return caliper_event("MediaEvent", action, objects.video, target=media_location)


loaded = media("Started")
played = media("Resumed")
paused = media("Paused")
ended = media("Ended")
sought = caliper_event("MediaEvent", "JumpedTo", objects.video, target=seek)
captions_shown = media("EnabledClosedCaptioning")
captions_hidden = media("DisabledClosedCaptioning")

EVENTS: dict[str, CaliperTransform] = {
    # Courses
    "edx.course.enrollment.activated": caliper_event("Event", "Activated", objects.course),
    "edx.course.enrollment.deactivated": caliper_event("Event", "Deactivated", objects.course),
    "edx.course.grade.passed.first_time": caliper_event("Event", "Completed", objects.course),
    # Problems
    "problem_check": problems.problem_check,
    "edx.grades.problem.submitted": caliper_event("AssessmentEvent", "Submitted", problems.problem("Assessment")),
    "edx.problem.completed": caliper_event("AssessmentItemEvent", "Completed", problems.problem("AssessmentItem")),
    "edx.problem.hint.demandhint_displayed": caliper_event("Event", "Viewed", problems.hint),
    "showanswer": caliper_event("Event", "Viewed", problems.solution),
    # Navigation
    "edx.ui.lms.link_clicked": caliper_event("NavigationEvent", "NavigatedTo", objects.page("Webpage")),
    "edx.ui.lms.outline.selected": caliper_event("NavigationEvent", "NavigatedTo", objects.page("DigitalResource")),
    "edx.ui.lms.sequence.outline.selected": caliper_event(
        "NavigationEvent", "NavigatedTo", objects.unit("DigitalResource")
    ),
    "edx.ui.lms.sequence.next_selected": caliper_event(
        "NavigationEvent", "NavigatedTo", objects.unit("DigitalResourceCollection", "next unit")
    ),
    "edx.ui.lms.sequence.previous_selected": caliper_event(
        "NavigationEvent", "NavigatedTo", objects.unit("DigitalResourceCollection", "previous unit")
    ),
    "edx.ui.lms.sequence.tab_selected": caliper_event(
        "NavigationEvent", "NavigatedTo", objects.unit("DigitalResourceCollection")
    ),
    # Videos: the names of browsers' events, then those of mobile apps
    "load_video": loaded,
    "edx.video.loaded": loaded,
    "play_video": played,
    "edx.video.played": played,
    "pause_video": paused,
    "edx.video.paused": paused,
    "stop_video": ended,
    "edx.video.stopped": ended,
    "complete_video": ended,
    "edx.video.completed": ended,
    "seek_video": sought,
    "edx.video.position.changed": sought,
    "speed_change_video": caliper_event(
        "MediaEvent", "ChangedSpeed", objects.video, target=media_location, extensions=speeds
    ),
    "show_transcript": captions_shown,
    "video_show_cc_menu": captions_shown,
    "edx.video.transcript.shown": captions_shown,
    "edx.video.closed_captions.shown": captions_shown,
    "hide_transcript": captions_hidden,
    "video_hide_cc_menu": captions_hidden,
    "edx.video.transcript.hidden": captions_hidden,
    "edx.video.closed_captions.hidden": captions_hidden,
}
