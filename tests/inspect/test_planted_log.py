"""An inspection finds what was planted in a log, with the right numbers; a sample finds it within its intervals."""

import json
import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from log_replay.inspect.document import Inspected, inspection
from log_replay.inspect.duration import Measured
from log_replay.inspect.extras import ReportExtras
from log_replay.inspect.sampling import source as sampled
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.standalone.embedded import load_identities
from tests.generate_log import identities, names, write_identities
from tests.support.peak_memory import RUNNER
from tests.support.planted_log import Planted
from tests.support.runs import Shell, parsed

USERS, COURSES = 400, 12
LOG_BYTES = 6_000_000
#: ``make endurance`` takes 100 seeds.
SEEDS = int(os.environ.get("LOG_REPLAY_SAMPLE_SEEDS", "20"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A folder with a planted log, and its manifest."""
    folder = tmp_path_factory.mktemp("planted") / "logs"
    return folder, Planted(folder, LOG_BYTES, users=USERS, courses=names(COURSES)).write()


def inspect(folder, *arguments, seed=0):
    """Return the document of a dry run in this process."""
    source = json.dumps({"key": str(folder.parent), "container": folder.name})
    run = ["--source_provider", "LOCAL", "--source_config", source, "--dry_run", "--log_to", "null"]
    options = parsed(["--transformer_type", "xapi", *run, *arguments])
    extras = ReportExtras(options, seed=seed)
    replay = Replay(options, source=extras.source, observers=extras.observers)
    report = replay.replay(ProgressLog())
    document = inspection(Inspected(replay.profile, report, options, Measured(report.seconds, report.seconds)))
    extras.extrapolate(document)
    return document


def utc(time):
    return time.replace("+00:00", "Z")


def invalid_by_event(document):
    """Return the number of invalid statements by event. A statement breaks only one rule, or two of a score."""
    counts = Counter()
    for rule in document["validation"]["rules"]:
        counts[rule["event"], rule["rule"]] += rule["statements"]
    most = Counter()
    for (event, rule), count in counts.items():
        if "score" in rule:
            most[event, "score"] = max(most[event, "score"], count)
        else:
            most[event, rule] = count
    return Counter({event: sum(count for (of, _), count in most.items() if of == event) for event, _ in most})


def assert_finds(document, manifest):
    """Check that a document has each planted fact."""
    contents, statements = document["contents"], document["statements"]
    found = {
        "files": contents["objects"],
        "bytes": contents["bytes"],
        "stored_bytes": contents["stored_bytes"],
        "lines": contents["lines"],
        "known": contents["known_lines"],
        "unparsable": contents["unparsable_lines"],
        "statements": statements["count"],
        "users": statements["users"],
        "courses": statements["courses"],
    }
    assert found == {name: getattr(manifest, name) for name in found}
    first, last = contents["first_event"], contents["last_event"]
    assert (first, last) == (utc(manifest.first), utc(manifest.last))
    assert statements["by_event"] == dict(manifest.statements_by_event)
    rejects = {reason["reason"]: reason["count"] for reason in document["rejects"]["reasons"]}
    assert rejects == {**manifest.rejects, "no_json": manifest.unparsable}
    assert [(hole["begin"], hole["end"]) for hole in contents["holes"]["list"]] == [
        (utc(hole.start), utc(hole.end)) for hole in manifest.holes
    ]
    by_day = contents["by_day"]
    assert dict(zip(by_day["time"], by_day["lines"], strict=True)) == {
        utc(time): lines for time, lines in manifest.lines_by_period.items()
    }
    assert document["validation"]["invalid"] == sum(manifest.invalid.values())
    assert invalid_by_event(document) == manifest.invalid
    repeats = {frozenset((one["object"], one["of"])): one for one in contents["repeats"]}
    planted = [*manifest.repeats, *manifest.overlaps]
    assert len(repeats) == len(planted)
    for repeat in planted:
        one = repeats[frozenset((repeat.first, repeat.second))]
        assert one["whole"] == (repeat in manifest.repeats)
        # In a large log, the number of lines that overlap is an estimate.
        assert one["lines"] == (repeat.lines if one["exact"] else pytest.approx(repeat.lines, rel=0.4))


def test_inspection_finds_each_planted_fact(db, planted):
    folder, manifest = planted
    load_identities(identities(USERS, COURSES))
    assert_finds(inspect(folder), manifest)


def test_large_log_is_inspected_in_200_mb(tmp_path):
    """``make endurance`` takes 5 GB. With LOG_REPLAY_PLANTED_OUTPUT, what the command prints is written to a file."""
    total_bytes = int(os.environ.get("LOG_REPLAY_PLANTED_BYTES", "20000000"))
    manifest = Planted(tmp_path / "logs", total_bytes, courses=names(20)).write()
    write_identities(tmp_path / "identities.json", 5000, 20)
    shell = Shell(tmp_path / "home")
    assert shell("load_identities", str(tmp_path / "identities.json")).returncode == 0
    shell.command = [sys.executable, "-c", RUNNER]
    source = json.dumps({"key": str(tmp_path), "container": "logs"})
    run = ["--source_provider", "LOCAL", "--source_config", source, "--transformer_type", "xapi", "--sample", "all"]
    reports = ["--json", str(tmp_path / "report.json"), "--html", str(tmp_path / "report.html")]
    began = time.monotonic()
    ended = shell("inspect_tracking_logs", *run, *reports)
    seconds = time.monotonic() - began
    assert ended.returncode == 0, ended.stderr
    peak_mb = int(ended.stderr.rpartition(b"rss_kb=")[2]) / 1024
    if output := os.environ.get("LOG_REPLAY_PLANTED_OUTPUT"):
        Path(output).write_bytes(ended.stdout + f"{seconds:.0f} seconds, {peak_mb:.0f} MB\n".encode())
        shutil.copy(tmp_path / "report.html", f"{output}.html")
    assert_finds(json.loads((tmp_path / "report.json").read_text()), manifest)
    assert peak_mb < 200


def planted_figures(manifest, document):
    """Yield the name, the interval and the planted number of each figure."""
    intervals = document["intervals"]
    reasons = {reason["reason"]: at for at, reason in enumerate(document["rejects"]["reasons"])}
    days = {time: at for at, time in enumerate(document["contents"]["by_day"]["time"])}
    yield "lines", intervals["/contents/lines"], manifest.lines
    yield "bytes", intervals["/contents/bytes"], manifest.bytes
    yield "known", intervals["/contents/known_lines"], manifest.known
    yield "unparsable", intervals["/contents/unparsable_lines"], manifest.unparsable
    yield "statements", intervals["/statements/count"], manifest.statements
    yield "rejects", intervals["/rejects/count"], sum(manifest.rejects.values()) + manifest.unparsable
    yield "users", intervals["/statements/users"], manifest.users
    yield "courses", intervals["/statements/courses"], manifest.courses
    yield "invalid", intervals["/validation/invalid"], sum(manifest.invalid.values())
    for event, count in manifest.statements_by_event.most_common(10):
        yield event, intervals.get(f"/statements/by_event/{event}"), count
    for reason, count in manifest.rejects.items():
        at = reasons.get(reason)
        yield reason, None if at is None else intervals[f"/rejects/reasons/{at}/count"], count
    for day, lines in manifest.lines_by_period.items():
        yield day, intervals[f"/contents/by_day/lines/{days[utc(day)]}"], lines
    repeated = sum(repeat.lines for repeat in (*manifest.repeats, *manifest.overlaps))
    yield "repeated lines", intervals["/contents/repeated_lines"], repeated


def is_within(interval, count):
    """Return True if a number lies within an interval. A figure that the sample does not have claims nothing."""
    return interval is None or (interval[0] <= count and (interval[1] is None or count <= interval[1]))


def test_planted_numbers_lie_within_the_intervals_of_samples(db, planted):
    """Of each figure, 95 of 100 intervals must contain the number; one more may miss it, by chance."""
    folder, manifest = planted
    load_identities(identities(USERS, COURSES))
    missed, checked = Counter(), 0
    for seed in range(SEEDS):
        document = inspect(folder, "--sample", "25%", seed=seed)
        holes = {(hole["begin"], hole["end"]) for hole in document["contents"]["holes"]["list"]}
        assert holes == {(utc(hole.start), utc(hole.end)) for hole in manifest.holes}
        assert document["sample"]["share"] == pytest.approx(0.25, abs=0.05)
        for name, interval, count in planted_figures(manifest, document):
            checked += 1
            missed[name] += not is_within(interval, count)
    assert sum(missed.values()) <= 0.05 * checked
    assert {name: count for name, count in missed.items() if count > max(2, 0.05 * SEEDS)} == {}


def test_small_logs_are_read_whole_by_default(db, planted, monkeypatch):
    folder, manifest = planted
    load_identities(identities(USERS, COURSES))
    document = inspect(folder, "--sample", "auto")
    assert (document["sample"], document["contents"]["lines"]) == (None, manifest.lines)
    monkeypatch.setattr(sampled, "SAMPLED_ABOVE_BYTES", LOG_BYTES // 2)
    monkeypatch.setattr(sampled, "DEFAULT_SAMPLE_BYTES", LOG_BYTES // 10)
    document = inspect(folder, "--sample", "auto")
    assert document["sample"]["read_bytes"] < LOG_BYTES / 5
    low, high = document["intervals"]["/contents/lines"]
    assert low <= manifest.lines <= high


def test_a_sample_does_not_depend_on_the_number_of_workers(planted, tmp_path):
    folder, _ = planted
    shell = Shell(tmp_path / "home")
    write_identities(tmp_path / "identities.json", USERS, COURSES)
    assert shell("load_identities", str(tmp_path / "identities.json")).returncode == 0
    documents = []
    for workers in ("1", "2"):
        written = tmp_path / f"{workers}.json"
        done = shell("inspect", str(folder), "--sample", "10%", "--workers", workers, "--json", str(written))
        assert done.returncode == 0, done.stderr
        documents.append({**json.loads(written.read_text()), "duration": None, "next": None})
    assert documents[0] == documents[1]
    assert documents[0]["statements"]["count"] > 0
