"""``--limit`` ends a run after a number of statements; ``--examples`` logs the first events of each name."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from log_replay.errors import ConfigurationError
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from tests.support.runs import logs, options, parsed, replay, source

__all__ = ["logs", "options", "replay", "source"]


@pytest.fixture
def logged(replay, logs, tmp_path):
    """Return a function that runs over two logs, and returns the report and the logged lines."""
    (logs / "second.log").write_bytes((logs / "tracking.log").read_bytes())

    def run(*arguments: str):
        path = tmp_path / "logged"
        path.unlink(missing_ok=True)
        to = ["--destination_provider", "LOGGER", "--log_to", f"file:{path}"]
        report = replay(
            str(logs), *to, *(arguments if "--log_format" in arguments else (*arguments, "--log_format", "raw"))
        )
        return report, path.read_bytes().splitlines() if path.exists() else []

    return run


@pytest.mark.parametrize("limit", [1, 2, 6, 30, 250, 251, 400, 10_000])
def test_a_limited_run_logs_the_first_statements(logged, limit):
    whole, lines = logged()
    report, found = logged("--limit", str(limit), "--workers", "2")
    assert found == lines[:limit]
    assert report.complete
    assert report.total.statements == report.total.delivered == len(found)
    assert report.limit == (limit if limit < len(lines) else None)
    assert report.total.lines <= whole.total.lines
    assert sum(report.statements_by_event.values()) == len(found)


@pytest.mark.parametrize("more", [[], ["--validate"], ["--validate", "--invalid", "reject"]])
def test_profile_counts_the_statements_within_the_limit(sample_identities, source, more):
    for limit in (5, 7, 8, 40):  # 5 and 7 are within an event with four statements
        run = Replay(parsed(["--transformer_type", "xapi", *source, "--dry_run", "--limit", str(limit), *more]))
        run.replay(ProgressLog())
        profile, counters = run.profile, run.report.total
        assert counters.statements == limit
        for counts in (profile.statements_by_verb, profile.statements_by_course, profile.statements_by_event):
            assert sum(counts.counts().values()) == limit
        assert sum(profile.statements_by_hour.by(1).values()) == limit
        if "--validate" in more and "reject" not in more:
            assert run.report.validation.checked == limit


def test_a_run_can_end_in_a_last_line_without_a_line_end(logged, logs):
    """The fifth statement is the first of an event with four."""
    _, lines = logged("--log_format", "json")
    offset = json.loads(lines[4])["offset"]
    line = (logs / "second.log").read_bytes()[offset:].partition(b"\n")[0]
    for path in logs.iterdir():
        path.write_bytes(line)
    report, found = logged("--limit", "2")
    assert (report.total.lines, len(found)) == (1, 2)


def test_lines_after_the_limit_are_not_counted(logged, logs):
    """The first object is ``second.log``."""
    report, lines = logged("--limit", "1", "--log_format", "json")
    read = (logs / "second.log").read_bytes()[: json.loads(lines[0])["offset"]].count(b"\n") + 1
    assert report.total.lines == read


@pytest.mark.parametrize("number", [1, 3])
def test_examples_are_the_first_events_of_each_name(logged, number):
    whole, lines = logged("--log_format", "json")
    report, found = logged("--log_format", "json", "--examples", str(number))
    events, expected = Counter(), []
    seen = set()
    for line in map(json.loads, lines):
        place = (line["object"], line["offset"])
        if place not in seen:
            seen.add(place)
            events[line["event"]] += 1
        if events[line["event"]] <= number:
            expected.append(line["statement"])
    assert [json.loads(line)["statement"] for line in found] == expected
    assert report.total == whole.total


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["--destination_provider", "LOCAL", "--destination_config", '{"key": ".", "container": "out"}'],
            "store nothing",
        ),
        ([], "store nothing .*--dry_run"),
        (["--dry_run", "--run", "x"], "--limit and --run"),
    ],
)
def test_a_run_that_stores_statements_cannot_be_limited(options, source, given, said):
    with pytest.raises(ConfigurationError, match=said):
        options(["--transformer_type", "xapi", *source, *given, "--limit", "5"])
