"""Reading ahead changes nothing but the time that a run takes."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.errors import ReadError
from log_replay.pipeline.plan.read_ahead import KEPT_BYTES, UNITS_AHEAD_BYTES, ReadAhead, units_ahead
from log_replay.pipeline.workers import SOURCE_IS_SLOW
from log_replay.records import LineBlock, SkippedObject, SourceObject, Unit
from tests.support.ledger_runs import parsed
from tests.support.scenes import wait_for

#: The sizes of the blocks of a unit, and whether an error follows them; None for a skipped object.
UNITS = st.lists(st.none() | st.tuples(st.lists(st.integers(1, KEPT_BYTES), max_size=8), st.booleans()), max_size=20)


def unit(number: int, size_bytes: int | None = 10) -> Unit:
    return Unit(number, SourceObject(f"{number:03}", size_bytes))


def block(number: int, start: int, size_bytes: int) -> LineBlock:
    return LineBlock(f"{number:03}", (), start, start + size_bytes)


def everything(units, read, ahead: int) -> list[object]:
    """Return the units, blocks and errors in their order."""
    found: list[object] = []
    with ReadAhead(read, ahead) as reading, closing(reading.units(units)) as entries:
        for entry, blocks in entries:
            found.append(entry)
            try:
                found += [block for block in blocks if block is not SOURCE_IS_SLOW]
            except ReadError as error:
                found.append(str(error))
    return found


@pytest.mark.parametrize(
    ("provider", "workers", "ahead"),
    [("MINIO", 1, 32), ("LOCAL", 1, 0), ("LOCAL", 2, 0), ("LOCAL", 3, 3), ("STDIN", 1, 0), ("STDIN", 2, 2)],
)
def test_local_files_are_read_ahead_for_three_workers(provider, workers, ahead):
    config = {"MINIO": '{"container": "c"}', "LOCAL": '{"key": ".", "container": "c"}', "STDIN": "{}"}[provider]
    options = parsed("--source_provider", provider, "--source_config", config, "--workers", str(workers))
    assert units_ahead(options) == ahead


@given(UNITS, st.integers(1, 4))
def test_order_is_the_same_as_without_reading_ahead(contents, ahead):
    units = [SkippedObject(str(at), "empty") if it is None else unit(at) for at, it in enumerate(contents)]

    def read(unit):
        sizes, fails = contents[unit.number]
        for at, size_bytes in enumerate(sizes):
            yield block(unit.number, at, size_bytes)
        if fails:
            raise ReadError("gone", operation="read", object=unit.object.name, offset=len(sizes))

    assert everything(units, read, ahead) == everything(units, read, 0)


def test_small_units_are_read_at_the_same_time():
    together = threading.Barrier(4)

    def read(unit):
        together.wait(60)
        yield block(unit.number, 0, 1)

    assert len(everything(map(unit, range(8)), read, 3)) == 16


@pytest.mark.parametrize("size_bytes", [UNITS_AHEAD_BYTES, None], ids=["large", "of unknown size"])
def test_large_units_are_read_one_after_the_other(size_bytes):
    alone = threading.Lock()

    def read(unit):
        assert alone.acquire(blocking=False)
        yield block(unit.number, 0, 1)
        alone.release()

    assert len(everything([unit(number, size_bytes) for number in range(5)], read, 3)) == 10


def test_only_some_bytes_of_each_unit_are_kept():
    size_bytes, produced, taken = KEPT_BYTES // 4, 0, 0

    def read(unit):
        nonlocal produced
        for at in range(40):
            assert produced - taken <= 5, "four are kept, and one has just been taken"
            produced += 1
            yield block(unit.number, at, size_bytes)

    with ReadAhead(read, 2) as reading:
        for _, blocks in reading.units([unit(0)]):
            for _ in blocks:
                taken += 1
    assert taken == 40


def test_slow_source_is_noticed():
    noticed = threading.Event()

    def read(unit):
        yield block(unit.number, 0, 1)
        assert noticed.wait(60)
        yield block(unit.number, 1, 1)

    with ReadAhead(read, 1) as reading:
        for _, blocks in reading.units([unit(0)]):
            found = []
            for item in blocks:
                found.append(item)
                if item is SOURCE_IS_SLOW and len(found) > 1:
                    noticed.set()
    assert [item.start for item in found if item is not SOURCE_IS_SLOW] == [0, 1]
    assert SOURCE_IS_SLOW in found[1:]


def test_error_of_the_listing_follows_the_units_before_it():
    def read(unit):
        yield block(unit.number, 0, 1)

    def listed():
        yield unit(0)
        yield unit(1)
        raise ReadError("gone", operation="list", object="logs")

    with ReadAhead(read, 5) as reading:
        entries = reading.units(listed())
        assert [next(entries)[0].number for _ in range(2)] == [0, 1]
        with pytest.raises(ReadError, match="gone"):
            next(entries)


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_threads_end_when_the_run_stops(taken):
    closed = []

    def read(unit):
        try:
            for at in range(1000):
                yield block(unit.number, at, KEPT_BYTES)
        finally:
            closed.append(unit.number)

    before = threading.enumerate()
    with ReadAhead(read, 3) as reading, closing(reading.units(map(unit, range(20)))) as entries:
        _, blocks = next(entries)
        for _ in range(taken):
            next(blocks)
    wait_for(lambda: all(thread in before for thread in threading.enumerate()))
    assert len(closed) <= 4, "no other unit was begun"
