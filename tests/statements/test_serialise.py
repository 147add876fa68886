"""A statement's bytes: what ``json`` would make of it, or no statement at all."""

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
def test_it_is_equal_to_what_json_makes(statement):
    text = json_text(statement)
    assert json.loads(text) == json.loads(json.dumps(statement))
    assert b"\n" not in text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "hold",
    [
        lambda number: {"score": number},
        lambda number: {"result": {"extensions": {"list": [1, {"deep": number}]}}},
        lambda number: {"score": number, "huge": 2**70},
        lambda number: {"score": number, "half": "\ud83d"},
    ],
)
def test_a_number_that_json_cannot_spell_is_refused(hold, number):
    with pytest.raises(NonFiniteNumber) as raised:
        json_text(hold(number))
    assert raised.value.reason == "non_finite_number"


def test_nulls_of_the_statements_own_stay():
    assert json_text({"extensions": {"of": [None]}}) == b'{"extensions":{"of":[null]}}'


@pytest.mark.parametrize("value", [datetime(2026, 3, 2, tzinfo=UTC), b"bytes", {1, 2}])
def test_what_json_refuses_is_refused(value):
    with pytest.raises(TypeError):
        json_text({"value": value})
