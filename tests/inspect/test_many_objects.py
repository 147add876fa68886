"""A log of very many objects: what a dry run keeps of each is bounded."""

from __future__ import annotations

import json
import os
import sys
import tracemalloc

from log_replay import report as reports
from log_replay.block_profile import BlockProfile, CountedStatements, ScannedLines
from log_replay.counters import Counters
from log_replay.inspect import profile as profiles
from log_replay.inspect.profile import Profile
from log_replay.records import BlockResult, SkippedObject, SourceObject, Unit
from log_replay.report import Report
from tests.support.peak_memory import RUNNER
from tests.support.runs import Shell

#: ``make endurance`` takes 500,000.
OBJECTS = int(os.environ.get("LOG_REPLAY_OBJECTS", "500"))
#: A file system has a maximum number of links to a file.
LINKS = 20_000
KEPT_BYTES = 50


def result_of(number: int) -> BlockResult:
    """Return the result of the only block of an object."""
    result = BlockResult(f"folder/{number}.log", 1000, Counters(lines=3, unknown=3))
    sample = number.to_bytes(8, sys.byteorder) * 2
    result.profile = BlockProfile(
        0, 1000, 0,
        ScannedLines(number, number + 5, 0, {1: 3}, number, sample), CountedStatements(0, 0, 0, {}, {}, (), ()),
        [], {}, [], {},
    )  # fmt: skip
    return result


def test_nothing_is_kept_of_objects_beyond_a_number(monkeypatch):
    monkeypatch.setattr(reports, "SEPARATE_OBJECTS", 100)
    monkeypatch.setattr(profiles, "OBJECTS", 100)
    report, profile = Report(bounded=True), Profile()
    tracemalloc.start()
    try:
        for number in range(3000):
            if number == 1000:
                before, _ = tracemalloc.get_traced_memory()
            result = result_of(number)
            unit = Unit(number, SourceObject(result.object, 1000), group=number // 100)
            report.begin(unit)
            profile.begin(unit.object, unit.group)
            report.count_block(result)
            profile.add(result)
            report.skip(SkippedObject(f"{number}.txt", "empty"))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / 2000 < KEPT_BYTES
    assert report.total.lines == profile.counters.lines == 9000
    assert len(report.objects) - 1 == len(profile.objects) == 100


def test_many_objects_are_inspected_in_200_mb(tmp_path, sample_log):
    logs = tmp_path / "logs"
    logs.mkdir()
    lines = sample_log.splitlines(keepends=True)
    for number in range(OBJECTS):
        path, first = logs / f"{number:07}.log", logs / f"{number - number % LINKS:07}.log"
        if path == first:
            path.write_bytes(b"".join(lines[number // LINKS : number // LINKS + 3]))
        else:
            path.hardlink_to(first)
    shell = Shell(tmp_path / "home")
    shell.command = [sys.executable, "-c", RUNNER]
    run = [str(logs), "--no-validate", "--sample", "all", "--json", str(tmp_path / "report.json")]
    ended = shell("inspect", *run)
    assert ended.returncode == 0, ended.stderr
    contents = json.loads((tmp_path / "report.json").read_text())["contents"]
    assert contents["objects"] == contents["lines"] / 3 == OBJECTS
    assert int(ended.stderr.rpartition(b"rss_kb=")[2]) / 1024 < 200
