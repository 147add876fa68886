"""Statements are serialised as ``json`` does, or not at all."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.statements.serialise import NonFiniteNumber, json_text

with_surrogates = st.text(st.characters(exclude_categories=()))
numbers = st.one_of(st.integers(), st.integers(-(2**80), 2**80), st.floats(allow_nan=False, allow_infinity=False))
leaves = st.one_of(st.none(), st.booleans(), numbers, with_surrogates, st.just("null"))
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(with_surrogates, inner), max_leaves=10)


@given(st.dictionaries(with_surrogates, values))
def test_statements_are_equal_to_those_of_json_dumps(statement):
    text = json_text(statement)
    assert json.loads(text) == json.loads(json.dumps(statement))
    assert b"\n" not in text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "build",
    [
        lambda number: {"score": number},
        lambda number: {"result": {"extensions": {"list": [1, {"deep": number}]}}},
        lambda number: {"score": number, "huge": 2**70},
        lambda number: {"score": number, "half": "\ud83d"},
    ],
)
def test_a_number_that_is_not_finite_is_an_error(build, number):
    with pytest.raises(NonFiniteNumber) as raised:
        json_text(build(number))
    assert raised.value.reason == "non_finite_number"


def test_nulls_in_a_statement_are_kept():
    assert json_text({"extensions": {"of": [None]}}) == b'{"extensions":{"of":[null]}}'


@pytest.mark.parametrize("value", [datetime(2026, 3, 2, tzinfo=UTC), b"bytes", {1, 2}])
def test_values_that_json_cannot_serialise_are_an_error(value):
    with pytest.raises(TypeError):
        json_text({"value": value})
