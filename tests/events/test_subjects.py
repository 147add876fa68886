"""Whom and what an event is about, as event-routing-backends finds it."""

from __future__ import annotations

import pytest
from event_routing_backends.processors.mixins.base_transformer import BaseTransformerMixin
from hypothesis import given
from hypothesis import strategies as st

from log_replay.events.subjects import MAX_DEPTH, UNFATHOMED, course_of, user_of

SAID = st.sampled_from([None, "", 0, False, 3, "3", "ada", [], [1]])
KEYS = st.sampled_from(["user_id", "username", "context", "event", "other"])
BELOW = st.recursive(
    st.dictionaries(KEYS, SAID, max_size=3), lambda below: st.dictionaries(KEYS, SAID | below, max_size=3), max_leaves=8
)


@given(BELOW, st.one_of(st.none(), BELOW))
def test_the_user_is_whom_upstream_finds(fields, data):
    fields["data"] = data if data is not None else fields.get("event")
    theirs = BaseTransformerMixin(fields).extract_username_or_userid()
    ours = user_of(fields)
    assert ours == theirs or not (ours or theirs)


def test_somebody_who_is_named_too_deep_is_nobody_that_can_be_looked_up():
    fields: dict = {}
    inner = fields
    for _ in range(MAX_DEPTH + 5):
        inner["context"] = inner = {"x": 1}
    inner["user_id"] = 3
    assert user_of(fields) is UNFATHOMED


@pytest.mark.parametrize("context", [None, "x", [], {}, {"course_id": None}])
def test_an_event_may_have_happened_nowhere(context):
    assert not course_of({"context": context})
