"""Statements that Django compiles once do what the query sets do that they are built from."""

from __future__ import annotations

import datetime as dt

import pytest

from log_replay.ledger.prepared import PreparedInsert, PreparedUpdate
from log_replay.models import Run, RunUnit

ODD_TEXT = "50 % of 'x' \\ \"é\" %s"


@pytest.fixture
def units(db):
    run = Run.objects.create(name="x")
    return RunUnit.objects.bulk_create(RunUnit(run=run, number=number, object="a.log") for number in range(3))


BEGUN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "values",
    [
        {"counters": {"lines": 3, ODD_TEXT: [None, True]}, "error": ODD_TEXT, "begun": BEGUN},
        {"counters": {}, "error": "", "begun": None},
    ],
)
def test_prepared_update_stores_what_a_query_set_stores(units, django_assert_num_queries, values):
    prepared = PreparedUpdate(RunUnit.objects.exclude(state="failed"), ["number"], state="done")
    RunUnit.objects.filter(number=0).update(state="done", **values)
    with django_assert_num_queries(2):
        assert prepared.execute(number=1, error="replaced", counters={"lines": 1}, begun=None) == 1
        assert prepared.execute(number=1, **{name: values[name] for name in ("error", "counters", "begun")}) == 1
    assert prepared.execute(number=9, **values) == 0, "the values have another order, and no row matches"
    rows = RunUnit.objects.values("state", *values)
    assert rows.get(number=0) == rows.get(number=1) == {"state": "done", **values}
    assert rows.get(number=2)["state"] == RunUnit.State.WAITING


def test_prepared_insert_is_repeatable(units):
    prepared = PreparedInsert(RunUnit)
    complete = {"object": ODD_TEXT, "version": None, "lines": [1, 2], "state": "begun", "counters": {}, "error": ""}
    numbers = {"size_bytes": 1, "start": 0, "end": None, "offset": 0, "counted_to": 0, "group": 1, "split_from": None}
    for _ in range(2):
        prepared.execute(run=units[0].run_id, number=7, head="", begun=BEGUN, updated=BEGUN, **complete, **numbers)
    assert RunUnit.objects.filter(begun=BEGUN).values(*complete).get(number=7) == complete
