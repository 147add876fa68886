"""The user and the course of an event are those that event-routing-backends finds."""

from __future__ import annotations

import pytest
from event_routing_backends.processors.mixins.base_transformer import BaseTransformerMixin
from hypothesis import given
from hypothesis import strategies as st

from log_replay.events.subjects import MAX_DEPTH, UNREADABLE_USER, course_of, user_of
from log_replay.statements.releases import username_first

VALUES = st.sampled_from([None, "", 0, False, 3, "3", "ada", [], [1]])
KEYS = st.sampled_from(["user_id", "username", "context", "event", "other"])
OBJECTS = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=3),
    lambda inner: st.dictionaries(KEYS, VALUES | inner, max_size=3),
    max_leaves=8,
)


@given(OBJECTS, st.one_of(st.none(), OBJECTS))
def test_the_user_is_the_one_that_upstream_finds(fields, data):
    fields["data"] = data if data is not None else fields.get("event")
    expected = BaseTransformerMixin(fields).extract_username_or_userid()
    user = user_of(fields, username_first=username_first())
    assert user == expected or not (user or expected)


def test_a_user_nested_too_deep_is_unreadable():
    fields: dict = {}
    inner = fields
    for _ in range(MAX_DEPTH + 5):
        inner["context"] = inner = {"x": 1}
    inner["user_id"] = 3
    assert user_of(fields) is UNREADABLE_USER


@pytest.mark.parametrize("context", [None, "x", [], {}, {"course_id": None}])
def test_an_event_may_have_no_course(context):
    assert not course_of({"context": context})
