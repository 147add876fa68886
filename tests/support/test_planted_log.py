"""The planted log: its manifest is true."""

import gzip
import json
import re
from collections import Counter

import pytest

from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.standalone.embedded import load_identities
from tests.generate_log import identities, names
from tests.support.planted_events import REJECTED_SHARE, kinds
from tests.support.planted_log import Planted
from tests.support.runs import parsed

USERS, COURSES = 300, 12


def planted(folder, **options):
    settings = {"total_bytes": 1_500_000, "users": USERS, "courses": names(COURSES), **options}
    return Planted(folder, settings.pop("total_bytes"), **settings).write()


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A folder with a planted log, and its manifest."""
    folder = tmp_path_factory.mktemp("planted") / "logs"
    return folder, planted(folder)


def contents(folder):
    """Return the decompressed bytes of each file, by its name."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in paths
    }


def test_the_same_seed_gives_the_same_planted_log(tmp_path, log):
    folder, manifest = log
    assert planted(tmp_path / "again") == manifest
    assert contents(tmp_path / "again") == contents(folder)
    assert planted(tmp_path / "other", seed=2) != manifest


def test_the_manifest_counts_files_bytes_and_lines(log):
    folder, manifest = log
    files = contents(folder)
    assert manifest.files == len(files)
    assert manifest.bytes == sum(map(len, files.values()))
    assert manifest.stored_bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert manifest.lines == sum(text.count(b"\n") for text in files.values())


def test_each_line_is_unique_but_for_the_planted_repeats(log):
    folder, manifest = log
    files = contents(folder)
    counts = Counter(line for text in files.values() for line in text.splitlines())
    repeats = [*manifest.repeats, *manifest.overlaps]
    assert sum(count - 1 for count in counts.values()) == sum(repeat.lines for repeat in repeats)
    for repeat in repeats:
        first, second = files[repeat.first].splitlines(), files[repeat.second].splitlines()
        assert first[-repeat.lines :] == second[: repeat.lines]


@pytest.mark.parametrize(("period", "periods"), [("day", 28), ("hour", 30)])
def test_holes_are_the_periods_without_events(tmp_path, period, periods):
    manifest = planted(tmp_path, period=period, periods=periods)
    found = [re.findall(rb'"time": "([^"]+)"', text) for text in contents(tmp_path).values()]
    times = [time.decode() for of_file in found for time in of_file]
    length = len("2026-03-01") if period == "day" else len("2026-03-01T00")
    by_period = Counter(time[:length] for time in times)
    assert by_period == {time[:length]: lines for time, lines in manifest.lines_by_period.items()}
    assert len(manifest.holes) == 3
    assert not [time for time in times for hole in manifest.holes if hole.start <= time < hole.end]
    assert (min(times), max(times)) == (manifest.first, manifest.last)


def test_a_replay_counts_what_the_manifest_says(db, log):
    folder, manifest = log
    load_identities(identities(USERS, COURSES))
    source = json.dumps({"key": str(folder.parent), "container": folder.name})
    run = ["--source_provider", "LOCAL", "--source_config", source, "--dry_run", "--log_to", "null"]
    report = Replay(parsed(["--transformer_type", "xapi", *run])).replay(ProgressLog())
    total = report.total
    assert (total.lines, total.known, total.statements) == (manifest.lines, manifest.known, manifest.statements)
    assert total.unparsable == manifest.unparsable
    assert report.statements_by_event == manifest.statements_by_event
    assert report.rejects_by_reason == manifest.rejects + Counter(no_json=manifest.unparsable)


def test_shares_are_as_documented(tmp_path):
    manifest = planted(tmp_path, total_bytes=20_000_000)
    assert len(manifest.rejects) == 6
    assert sum(manifest.rejects.values()) / manifest.lines == pytest.approx(REJECTED_SHARE, rel=0.2)
    assert set(manifest.invalid) == {kind.event for kind in kinds() if kind.invalid}
    assert sum(manifest.invalid.values()) / manifest.statements == pytest.approx(0.02, rel=0.2)
