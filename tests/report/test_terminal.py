"""The summary and the progress bar for people: names of objects and events cannot change them."""

from __future__ import annotations

import io
from collections import Counter

import pytest

from log_replay.counters import Counters
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


def test_progress_bar_shows_names_with_brackets_and_escapes(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
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


def test_progress_bar_shows_the_end_of_a_long_name(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    progress_bar = ProgressBar(io.StringIO())
    progress_bar.begin(SourceObject(f"{'long/' * 30}tracking.log"))
    (task,) = progress_bar.display.tasks
    assert task.description.startswith("1/? …")
    assert task.description.endswith("/tracking.log")
    assert len(task.description) <= 20


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", [80, 160])
def test_counters_fit_the_terminal(monkeypatch, columns):
    """A narrow terminal shows the sums of the counters below a smaller table."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")  # without escape sequences
    report = Report()
    for number in range(2):
        report.begin(Unit(number, SourceObject(f"logs/tracking.log-2026030{number}")))
        report._current += Counters(
            lines=12_345_678, blank=1, unparsable=2, unknown=3, known=12_345_672, transformed=12_345_670, rejected=2,
            statements=12_345_671, delivered=12_345_671,
        )  # fmt: skip
    stream = Terminal()
    show_summary(report, stream)
    shown = stream.getvalue()
    assert max(map(len, shown.splitlines())) <= columns
    assert "12,345,678" in shown
    assert ("24,691,344 known = 24,691,340 transformed + 4 rejected" in shown) == (columns == 80)
    assert ("unparsable   unknown" in shown) == (columns == 160)
