"""The summary and the progress bar for people: names of objects and events cannot change them."""

from __future__ import annotations

import io
from collections import Counter

from log_replay.records import SkippedObject, SourceObject, Unit
from log_replay.report import Report
from log_replay.report.progress import ProgressBar
from log_replay.report.terminal import show_summary

HOSTILE = "x\n\x1b[2Jall 9 objects"


def test_control_characters_are_escaped_in_the_summary():
    report = Report(unknown_names=Counter([HOSTILE]), rejects_by_reason=Counter([HOSTILE]), stopped=HOSTILE)
    report.begin(Unit(0, SourceObject(HOSTILE)))
    report.skipped.append(SkippedObject(HOSTILE, "empty"))
    report.failed_objects[HOSTILE] = HOSTILE
    stream = io.StringIO()
    show_summary(report, stream)
    shown = stream.getvalue()
    assert "\x1b" not in shown
    assert "\nall 9 objects" not in shown
    assert shown.count(r"x\n\x1b[2Jall 9 objects") >= 6


def test_progress_bar_shows_names_with_brackets_and_escapes():
    stream = io.StringIO()
    progress_bar = ProgressBar(stream)
    with progress_bar.display:
        for name in ("x[/red].log", "[bold]", HOSTILE):
            progress_bar.begin(SourceObject(name))
            progress_bar.advance(10, 1)
            progress_bar.display.refresh()
            (task,) = progress_bar.display.tasks
            rendered = progress_bar.display.columns[0](task)
            assert name.split("\n")[0] in str(rendered)
            assert "\x1b" not in task.description
