"""The observations of a run that is watched."""

from __future__ import annotations

import pytest

from log_replay.management import watching
from log_replay.management.watching import RunWatch, as_table


def shown(state: str, percent: float, lines: int, **more) -> dict:
    values = {"lines_per_second": 7, "groups": {"all": 4, "done": 1}, "counters": {"lines": lines}, "processes": []}
    return {"state": state, "percent": percent, **values, **more}


def test_run_is_watched_until_it_ends():
    states = [shown("running", 0.0, 0), shown("running", 50.0, 1000), shown("finished", 100.0, 2000)]
    seen = []
    last = RunWatch(iter(states).__next__).until_end(seen.append, 0.001)
    assert [observation.shown["percent"] for observation in seen] == [0.0, 50.0, 100.0]
    assert seen[0].text == "running, 0.0 %, 1 of 4 groups, 0 lines, 7 lines/s, 0 processes"
    assert seen[1].lines_per_second > 0
    assert seen[1].seconds_left > 0
    assert last.seconds_left == 0


def test_run_without_a_process_is_watched_for_some_time(monkeypatch):
    states = [shown("interrupted", 0.0, 0), shown("running", 50.0, 1000), shown("interrupted", 60.0, 1200)]
    seen = []
    last = RunWatch(iter([*states, shown("finished", 100.0, 2000)]).__next__).until_end(seen.append, 0.001)
    assert last.shown["state"] == "finished"
    monkeypatch.setattr(watching, "INTERRUPTED_SECONDS", 0)
    assert RunWatch(iter(states).__next__).until_end(seen.append, 0.001).shown["percent"] == 0.0


@pytest.mark.parametrize("name", ["[bold]a.log[/bold]", "a\x1b[2Jb.log"])
def test_names_are_shown_without_control_characters(name):
    from rich.console import Console

    process = {"process": "host 7", "groups": [3], "reading": {"object": name, "offset": 1200}}
    console = Console(width=120, force_terminal=True)
    with console.capture() as text:
        console.print(as_table(RunWatch(lambda: shown("running", 1.0, 5, processes=[process])).observe()))
    assert "1 process" in text.get()
    assert "1,200" in text.get()
    assert "\x1b[2J" not in text.get()
    assert "[bold]" in text.get() or "x1b" in name.encode("unicode_escape").decode()
