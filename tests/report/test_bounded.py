"""A bounded report: the counters of many objects are added up."""

from __future__ import annotations

from contextlib import contextmanager

from hypothesis import given
from hypothesis import strategies as st

from log_replay import report as reports
from log_replay.counters import Counters
from log_replay.records import BlockResult, Position, SkippedObject, SourceObject, TransformedEvent, Unit
from log_replay.report import Report
from log_replay.sinks.discard import Discard

#: The number of statements of each unit, object by object.
OBJECTS = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=3), max_size=6)


@contextmanager
def separate_objects(number):
    before, reports.SEPARATE_OBJECTS = reports.SEPARATE_OBJECTS, number
    try:
        yield
    finally:
        reports.SEPARATE_OBJECTS = before


def counted(objects, *, bounded):
    report, number, batch = Report(bounded=bounded), 0, []
    for name, units in zip("abcdef", objects, strict=False):
        for start, statements in enumerate(units):
            report.begin(Unit(number, SourceObject(name), start, start + 1))
            counters = Counters(lines=1, known=1, transformed=1, statements=statements)
            report.count_block(BlockResult(name, start + 1, counters))
            batch.append(TransformedEvent(Position(name, start), "event", (None,) * statements))
            number += 1
    report.count_delivery(batch, Discard().deliver(batch))
    return report


@given(OBJECTS, st.integers(0, 6))
def test_the_sums_are_those_of_all_objects(objects, number):
    whole = counted(objects, bounded=False)
    with separate_objects(number):
        bounded = counted(objects, bounded=True)
    assert bounded.total == whole.total
    assert (bounded.complete, bounded.imbalances) == (True, {})
    separate = list(whole.objects.items())
    assert list(bounded.objects.items())[:number] == separate[:number]
    assert sum(bounded.objects.values(), Counters()) == whole.total
    assert len(bounded.objects) == min(len(objects), number + 1)


def test_skipped_objects_beyond_the_bound_are_counted():
    report = Report(bounded=True)
    with separate_objects(2):
        for name in "abcd":
            report.skip(SkippedObject(name, "empty"))
    document = report.as_dict()
    assert document["skipped_objects"] == {"a": "empty", "b": "empty"}
    assert document["skipped_objects_not_listed"] == 2
