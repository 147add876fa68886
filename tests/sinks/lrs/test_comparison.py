"""Comparison with the statement that an LRS returns."""

from __future__ import annotations

import json

import pytest

from log_replay.sinks.lrs.comparison import same_statement
from tests.support.statement_batches import xapi

OURS = json.loads(
    xapi(
        context={
            "contextActivities": {"parent": {"id": "http://lms/parent"}},
            "extensions": {"http://x": {"display": 1}},
        }
    ).text
)


def theirs(**changes):
    return {**json.loads(json.dumps(OURS)), **changes}


def with_context(**changes):
    return theirs(context={**OURS["context"], **changes})


@pytest.mark.parametrize(
    "theirs",
    [
        theirs(),
        theirs(stored="2026-11-21T00:00:00Z", authority={"mbox": "mailto:lrs@example.com"}, version="1.0.0"),
        theirs(timestamp="2026-03-02T08:15:27.913Z"),
        theirs(timestamp="2026-03-02T09:15:27.913562+01:00"),
        theirs(verb={"id": OURS["verb"]["id"]}),
        theirs(object={"id": OURS["object"]["id"]}),
        theirs(actor={"account": OURS["actor"]["account"]}),
        with_context(contextActivities={"parent": [{"id": "http://lms/parent", "objectType": "Activity"}]}),
    ],
)
def test_differences_that_xapi_allows_are_ignored(theirs):
    assert same_statement(OURS, theirs)


@pytest.mark.parametrize(
    "theirs",
    [
        theirs(result={"completion": True}),
        theirs(timestamp="2026-03-02T08:15:28.913Z"),
        theirs(timestamp="soon"),
        theirs(verb={"id": "http://other"}),
        theirs(object={"id": "http://other"}),
        theirs(object={**OURS["object"], "objectType": "StatementRef"}),
        theirs(actor={"account": {**OURS["actor"]["account"], "name": "another"}}),
        with_context(contextActivities={"parent": [{"id": "http://other"}]}),
        with_context(extensions={"http://x": {"display": 2}}),
        None,
        [],
        {},
    ],
)
def test_any_other_difference_counts(theirs):
    assert not same_statement(OURS, theirs)
