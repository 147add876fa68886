"""Profiles: however a log is split, and whoever transforms the parts, the merged profile gives the same document."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.inspect import distinct, repeats
from log_replay.inspect.contents import contents
from log_replay.inspect.outcome import identities, rejects, statements
from log_replay.inspect.profile import Profile
from log_replay.pipeline.lines import blocks
from log_replay.pipeline.transform import open_transform
from log_replay.pipeline.transform_settings import transform_settings
from log_replay.records import SourceObject
from log_replay.report import Report
from log_replay.standalone.embedded import load_identities
from tests import generate_log


@pytest.fixture
def small_bounds(monkeypatch):
    """Bounds that the sample log exceeds."""
    monkeypatch.setattr(repeats, "SAMPLED_LINES", 40)
    monkeypatch.setattr(distinct, "EXACT_VALUES", 3)
    monkeypatch.setattr(distinct, "NAMES", 4)


@pytest.fixture
def chosen(options, source):
    """The options of an inspection."""
    return options(["--transformer_type", "xapi", *source, "--dry_run", "--no-validate"])


@pytest.fixture
def transformer(chosen, sample_identities):
    """Return a context in which a function transforms blocks and profiles them, as one process does."""

    @contextmanager
    def opened():
        with open_transform(transform_settings(chosen, None, profile=True)) as transform:
            yield transform

    return opened


def profiled(transform, parts):
    """Return the profile of successive parts, each with the name of its object, its offset and its text."""
    profile = Profile()
    for name, start, text in parts:
        profile.begin(SourceObject(name, 1000))
        for block in blocks([text], object=name, start=start, block_bytes=50_000):
            profile.add(transform(block))
    return profile


def figures(profile):
    return [contents(profile, Report()), statements(profile), rejects(profile), identities(profile)]


def without_costs(profile):
    """Return the profile of a block without its CPU times. Its users are in any order, and can occur more than once."""
    return replace(profile, users=set(profile.users), cpu_seconds=0.0, inspection_cpu_seconds=0.0)


@pytest.mark.skipif(_speedups.new_tally is None, reason="C extension not built: install a C compiler")
@pytest.mark.parametrize("kind", ["xapi", "caliper"])
def test_a_tally_counts_what_noted_events_tell(kind, options, source, sample_log, sample_identities, monkeypatch):
    """The events of a block are counted while C code transforms them, or later one by one."""
    load_identities(generate_log.identities(users=50, courses=20, mix="site"))
    site = generate_log.lines(count=2000, mix="site", seed=1, users=50, courses=20)
    log = sample_log + b"".join(site)
    chosen = transform_settings(
        options(["--transformer_type", kind, *source, "--dry_run", "--no-validate"]), None, profile=True
    )
    with open_transform(chosen) as transform:
        tallied = [without_costs(transform(block).profile) for block in blocks([log], object="a")]
    monkeypatch.setattr(_speedups, "new_tally", None)
    with open_transform(chosen) as transform:
        noted = [without_costs(transform(block).profile) for block in blocks([log], object="a")]
    assert tallied == noted
    assert len(tallied[0].users) > 10 < len(tallied[0].courses)
    assert tallied[0].missing["unknown_user"]


def objects_of(log):
    """Cut the log into three objects: the second one overlaps the first one, and the third one repeats the second."""
    lines = log.splitlines(keepends=True)
    return {"a": b"".join(lines[:250]), "b": b"".join(lines[200:]), "c": b"".join(lines[200:])}


def test_profile_is_the_merge_of_its_parts(sample_log, transformer, small_bounds):
    parts = []
    for name, text in objects_of(sample_log).items():
        start = 0
        for line in text.splitlines(keepends=True):
            parts.append((name, start, line))
            start += len(line)
    with transformer() as transform:
        whole = profiled(transform, [(name, 0, text) for name, text in objects_of(sample_log).items()])

    @given(cuts=st.lists(st.integers(0, 640), max_size=6))
    @settings(max_examples=10)
    def check(cuts):
        merged = Profile()
        for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(parts)], strict=True):
            with transformer() as transform:
                merged.merge(profiled(transform, parts[begin:end]))
        assert figures(merged) == figures(whole)

    check()


def test_copies_and_overlaps_are_found(sample_log, transformer):
    objects = objects_of(sample_log)
    with transformer() as transform:
        found = contents(profiled(transform, [(name, 0, text) for name, text in objects.items()]), Report())
    timed = {name: text.count(b'"time": "') for name, text in objects.items()}
    shared = b"".join(sample_log.splitlines(keepends=True)[200:250]).count(b'"time": "')
    overlap, copy = (entry for entry in found["repeats"] if entry["object"] != entry["of"])
    assert (overlap["object"], overlap["of"], overlap["lines"], overlap["whole"]) == ("b", "a", shared, False)
    assert (copy["object"], copy["of"], copy["lines"], copy["whole"]) == ("c", "b", 189, True)
    assert timed["b"] > shared > 0
