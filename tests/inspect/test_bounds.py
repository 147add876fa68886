"""What a profile keeps is bounded, whatever a log holds, and does not depend on how the log was split."""

from __future__ import annotations

import random
import tracemalloc
from array import array

from hypothesis import given
from hypothesis import strategies as st

from log_replay.block_profile import BlockProfile, CountedStatements, ScannedLines
from log_replay.counters import Counters
from log_replay.inspect import distinct
from log_replay.inspect.distinct import EXACT_VALUES, OTHER_NAMES, Distinct, NamedCounts
from log_replay.inspect.hours import Hole, HourCounts, holes
from log_replay.inspect.profile import Profile
from log_replay.inspect.repeats import SAMPLED_LINES, sample_level
from log_replay.records import BlockResult, SourceObject

MEMORY_BYTES = 100 << 20


def counted(parts):
    total = Distinct()
    for part in parts:
        one = Distinct()
        one.add(part)
        total.merge(one)
    return total


def test_distinct_values_are_exact_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(distinct, "EXACT_VALUES", 1000)
    few, many = counted([range(600), range(400, 1000)]), counted([range(150_000), range(100_000, 200_000)])
    assert (few.count(), few.is_exact, few.interval()) == (1000, True, (1000, 1000))
    low, high = many.interval()
    assert not many.is_exact
    assert low <= 200_000 <= high
    assert (high - low) / 200_000 < 0.04
    shuffled = random.Random(1).sample(range(200_000), 200_000)
    assert counted([shuffled]).count() == counted([shuffled[:3], shuffled[3:90_000], shuffled[90_000:]]).count()


@given(st.lists(st.dictionaries(st.sampled_from("abcdefghijklmnop"), st.integers(1, 9)), max_size=9), st.integers(0, 9))
def test_names_beyond_the_bound_are_added_up(parts, cut):
    before, distinct.NAMES = distinct.NAMES, 5
    try:
        whole, first, second = NamedCounts(), NamedCounts(), NamedCounts()
        for number, part in enumerate(parts):
            whole.add(part)
            (first if number < cut else second).add(part)
        first.merge(second)
        assert first.counts() == whole.counts()
        assert sum(whole.counts().values()) == sum(number for part in parts for number in part.values())
        assert len(whole.counts().keys() - {OTHER_NAMES}) <= 5
    finally:
        distinct.NAMES = before


def test_long_names_are_cut_and_stay_different():
    counts, start = NamedCounts(), "x" * 10_000
    for name in ("short", start + "1", start + "2", start + "1"):
        counts.add({name: 1})
    found = counts.counts()
    assert sorted(found.values()) == [1, 1, 2]
    assert all(len(name) < 400 and name.startswith(start[:300]) for name in found.keys() - {"short"})


def test_holes_are_hours_on_a_busy_site_and_days_on_a_small_one():
    busy, small = HourCounts(), HourCounts()
    busy.add({hour: 5 for hour in range(24 * 30) if hour not in {100, 101, 300}})
    small.add({hour: 5 for hour in range(24 * 30) if 8 <= hour % 24 < 18 and hour // 24 not in {4, 5, 9}})
    assert holes(busy) == (1, [Hole(100, 102), Hole(300, 301)])
    assert holes(small) == (24, [Hole(96, 144), Hole(216, 240)])
    assert holes(HourCounts()) == (1, [])


@given(st.lists(st.dictionaries(st.integers(0, 300_000), st.integers(1, 9), max_size=5), max_size=8), st.integers(0, 8))
def test_hours_are_the_same_however_a_log_is_split(parts, cut):
    whole, first, second = HourCounts(), HourCounts(), HourCounts()
    for number, part in enumerate(parts):
        whole.add(part)
        (first if number < cut else second).add(part)
    first.merge(second)
    assert first.by(24) == whole.by(24)
    assert first.by(1) == whole.by(1)


def hostile_block(numbers: random.Random, block: int) -> BlockResult:
    """Return a block in which everything differs from every other block, and all lines are chosen for the sample."""
    lines = 1000
    hours = {numbers.randrange(2_500_000): 1 for _ in range(lines)}
    sample = array("Q", [value for _ in range(lines) for value in (numbers.getrandbits(20), numbers.getrandbits(50))])
    names = {f"course-v1:Org{block}+C+{number}": 1 for number in range(lines)}
    result = BlockResult(f"{block}.log", 1 << 20, Counters(lines=lines, unknown=lines))
    result.unknown_names.update(names)
    result.profile = BlockProfile(
        0, 1 << 20, 0,
        ScannedLines(0, 1, 0, hours, 7, sample.tobytes()),
        CountedStatements(1, 1, 0, hours, {name.encode(): 1 for name in names}, (), ()),
        [], dict(names), {numbers.getrandbits(62) for _ in range(lines)},
        {"unknown_user": {numbers.getrandbits(62) for _ in range(lines)}},
    )  # fmt: skip
    return result


def test_a_hostile_log_takes_bounded_memory():
    numbers, profile = random.Random(1), Profile()
    tracemalloc.start()
    try:
        for block in range(110):
            profile.begin(SourceObject(f"{block}.log", 1))
            profile.add(hostile_block(numbers, block))
        list(profile.sample.repeats(profile.objects))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < MEMORY_BYTES
    assert profile.users.count() > EXACT_VALUES


def test_the_sample_of_lines_has_a_bounded_size():
    sizes = [lines >> sample_level(lines) for lines in (1, 1000, SAMPLED_LINES, 10**6, 10**9, 10**12)]
    assert max(sizes) <= SAMPLED_LINES
    assert sample_level(SAMPLED_LINES - 1) == 0
