"""Every line belongs to exactly one unit, for any size of the units."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.errors import ConfigurationError
from log_replay.pipeline.plan import UNITS_PER_GROUP, as_line, choose_lines, cut_into_units
from log_replay.pipeline.plan.units import read_unit
from log_replay.records import BlockResult, LineBlock, SkippedObject, SourceObject, Unit
from log_replay.records import lines_of as split

sizes = st.lists(st.one_of(st.none(), st.integers(0, 5000)), max_size=8)
contents = st.lists(st.sampled_from([b"", b"a", b"bc", b"0123456789" * 3]), max_size=40).map(b"\n".join)


def never(_obj) -> bool:
    return False


class Memory:
    """A source with one object in memory, read in small chunks."""

    def __init__(self, content: bytes, chunk_bytes: int = 7) -> None:
        self.content = content
        self.chunk_bytes = chunk_bytes

    def read(self, _obj, start=0, end=None):
        wanted = self.content[start:end]
        for at in range(0, len(wanted), self.chunk_bytes):
            yield wanted[at : at + self.chunk_bytes]


def lines_of(content: bytes, unit: Unit, **how) -> list[tuple[int, bytes]]:
    blocks = read_unit(Memory(content, **how), unit)
    return [(offset, line) for block in blocks if isinstance(block, LineBlock) for line, offset in split(block)]


@given(sizes, st.integers(1, 700))
def test_units_are_numbered_and_cover_every_byte_once(object_sizes, unit_size):
    objects = [SourceObject(f"log.{number}", size) for number, size in enumerate(object_sizes)]
    units = list(cut_into_units(objects, unit_size, never))
    assert [unit.number for unit in units] == list(range(len(units)))
    assert units == list(cut_into_units(iter(objects), unit_size, never))
    for found in objects:
        ranges = [(unit.start, unit.end) for unit in units if unit.object == found]
        assert ranges[0][0] == 0
        assert ranges[-1][1] is None
        assert [end for _, end in ranges[:-1]] == [start for start, _ in ranges[1:]]
        assert all(end - start == unit_size for start, end in ranges[:-1])
        assert ranges[-1][0] < max(1, found.size_bytes or 0)


@given(contents, st.integers(1, 90), st.integers(1, 40))
def test_units_together_have_the_lines_of_the_object(content, unit_size, chunk_bytes):
    whole = SourceObject("log", len(content))
    expected = lines_of(content, Unit(0, whole))
    units = cut_into_units([whole], unit_size, never)
    assert [pair for unit in units for pair in lines_of(content, unit, chunk_bytes=chunk_bytes)] == expected


@given(contents, st.integers(1, 60), st.data())
def test_unit_resumes_at_any_of_its_lines(content, unit_size, data):
    """Lines that were counted come first, in separate blocks."""
    for unit in cut_into_units([SourceObject("log", len(content))], unit_size, never):
        lines = lines_of(content, unit)
        if not lines:
            continue
        starts = [offset for offset, _ in lines]
        starts.append(starts[-1] + len(lines[-1][1]) + 1)
        offset = data.draw(st.sampled_from(starts))
        counted_to = data.draw(st.sampled_from([start for start in starts if start >= offset]))
        counted_to = min(counted_to, len(content))
        unit_in_progress = Unit(
            unit.number, unit.object, unit.start, unit.end, offset=min(offset, counted_to), counted_to=counted_to
        )
        assert lines_of(content, unit_in_progress) == [pair for pair in lines if pair[0] >= unit_in_progress.offset]
        ends = [block.end_offset for block in read_unit(Memory(content), unit_in_progress)]
        assert counted_to in ends or unit_in_progress.offset == counted_to


@given(sizes, st.integers(1, 7000))
def test_groups_are_consecutive_units_up_to_the_size_of_a_unit(object_sizes, unit_size):
    objects = [SourceObject(f"log.{number}", size) for number, size in enumerate(object_sizes)]
    units = list(cut_into_units(objects, unit_size, lambda obj: obj.name < "log.3"))
    groups = [(number, list(members)) for number, members in groupby(units, key=lambda unit: unit.group)]
    assert [number for number, _ in groups] == list(range(len(groups)))
    sizes = [sum(_size(unit, unit_size) for unit in members) for _, members in groups]
    assert all(size <= unit_size for size, (_, members) in zip(sizes, groups, strict=True) if len(members) > 1)
    firsts = [_size(members[0], unit_size) for _, members in groups[1:]]
    assert all(size + first > unit_size for size, first in zip(sizes, firsts, strict=False)), "no group can be larger"


def _size(unit: Unit, unit_size: int) -> int:
    if unit.object.size_bytes is None:
        return unit_size
    return (unit.end or unit.object.size_bytes) - unit.start


def test_group_has_a_bounded_number_of_units():
    objects = [SourceObject(f"log.{number}", 1) for number in range(2 * UNITS_PER_GROUP + 1)]
    groups = Counter(unit.group for unit in cut_into_units(objects, 10**9, never))
    assert groups == {0: UNITS_PER_GROUP, 1: UNITS_PER_GROUP, 2: 1}


def test_compressed_and_small_objects_are_one_unit():
    objects = [SourceObject("a.gz", 1000), SourceObject("b", 10), SourceObject("c", 11), SourceObject("d", None)]
    units = list(cut_into_units(objects, 10, lambda obj: obj.name.endswith(".gz")))
    assert [(unit.object.name, unit.start, unit.end) for unit in units] == [
        ("a.gz", 0, None),
        ("b", 0, None),
        ("c", 0, 10),
        ("c", 10, None),
        ("d", 0, None),
    ]


def test_skipped_objects_stay_in_their_order():
    skipped = SkippedObject("b", "empty")
    listing = [SourceObject("a", 1), skipped, SourceObject("c", 1)]
    assert list(cut_into_units(listing, 10, never))[1] == skipped


def test_printed_unit_has_object_version_and_range():
    assert as_line(Unit(3, SourceObject("a", 20, "v1"), 10, 20, group=2)) == {
        "unit": 3,
        "group": 2,
        "object": "a",
        "size_bytes": 20,
        "version": "v1",
        "start": 10,
        "end": 20,
    }


@given(contents.filter(bool), st.data())
def test_only_chosen_lines_are_read(content, data):
    whole = SourceObject("log", len(content))
    lines = lines_of(content, Unit(0, whole))
    wanted = data.draw(st.lists(st.sampled_from(lines), min_size=1, unique=True)) if lines else []
    if not wanted:
        return
    (unit,) = choose_lines([SourceObject("other", 5), whole], {"log": frozenset(offset for offset, _ in wanted)}, 10)
    assert lines_of(content, unit) == sorted(wanted)


def test_chosen_line_that_does_not_exist_is_a_reject():
    (unit,) = choose_lines([SourceObject("log", 9)], {"log": frozenset({0, 5, 30})}, 10)
    found = list(read_unit(Memory(b"abc\ndef\n\n"), unit))
    rejects = [reject for result in found if isinstance(result, BlockResult) for reject in result.rejects]
    assert [(reject.position.offset, reject.reason) for reject in rejects] == [
        (5, "no_such_line"),
        (30, "no_such_line"),
    ]
    assert all(result.counters.balanced for result in found if isinstance(result, BlockResult))


def test_rejects_of_another_source_are_a_usage_error():
    with pytest.raises(ConfigurationError, match="has no gone"):
        list(choose_lines([SourceObject("log", 9)], {"gone.log": frozenset({0})}, 10))
