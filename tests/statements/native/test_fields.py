"""The functions that read fields agree with each other and with upstream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.events.subjects import MAX_DEPTH, TooDeep
from log_replay.statements.native.fields import Finder, UpstreamRejects, find, required_at, text_at, value_at

KEYS = ("event", "data", "context", "name", "user_id")
SCALARS = st.sampled_from([None, "", "x", 0, 1, False, 0.0, [], [1]])
DICTS = st.recursive(
    st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=3),
    lambda below: st.dictionaries(st.sampled_from(KEYS), SCALARS | below, max_size=4),
    max_leaves=12,
)


@given(DICTS, st.booleans())
def test_finder_returns_the_same_as_find(fields, event_is_data):
    if event_is_data and "event" in fields:
        fields["data"] = fields["event"]
    finder = Finder(fields)
    assert [finder.find(key) for key in (*KEYS, "absent")] == [find(fields, key) for key in (*KEYS, "absent")]


@given(DICTS, st.sampled_from(KEYS), st.sampled_from(KEYS))
def test_a_missing_required_value_is_rejected(fields, section, key):
    value = value_at(fields, section, key)
    for function, accepted, reason in (
        (required_at, value is not None, "ValueError"),
        (text_at, isinstance(value, str), "TypeError"),
    ):
        if accepted:
            assert function(fields, section, key) == value
        else:
            with pytest.raises(UpstreamRejects) as raised:
                function(fields, section, key)
            assert raised.value.reason == reason


@pytest.mark.parametrize("find_in", [find, lambda fields, key: Finder(fields).find(key)], ids=["find", "Finder"])
def test_a_search_stops_at_the_maximum_depth(find_in):
    fields: dict = {}
    inner = fields
    for _ in range(MAX_DEPTH + 5):
        inner["context"] = {"x": 1}
        inner = inner["context"]
    with pytest.raises(TooDeep):
        find_in(fields, "absent")
