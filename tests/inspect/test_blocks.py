"""The users and courses in the profile of a block."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from log_replay.inspect import blocks

#: Users and courses as events name them. Lists and objects of JSON cannot be hashed.
VALUES = st.sampled_from(["course-v1:a+b+c", "other", "", None, 7, ["course"], {"id": "course"}])
NOTED = st.lists(st.tuples(VALUES, VALUES, st.integers(0, 3).map(lambda count: (b"",) * count), st.just(0)), max_size=8)


@given(NOTED)
def test_statements_are_counted_by_course(noted):
    counts = Counter()
    for _, course, statements, _ in noted:
        counts[course if isinstance(course, str) else ""] += len(statements)
    assert blocks._statements_by_course(noted) == counts


@given(NOTED)
def test_values_that_cannot_be_hashed_name_no_user(noted):
    assert blocks._distinct_users(noted) == {user for user, *_ in noted if not isinstance(user, list | dict)}
