"""Queries in the LMS's database are repeated after a lock or a lost connection, a bounded number of times."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import IntegrityError, OperationalError

from log_replay.errors import IdentityError
from log_replay.identities.database import DatabaseLookup, lms_models
from log_replay.identities.parameters import MAX_PARAMETERS, query_parts
from log_replay.retry import RetryPolicy

LOCKED, LOCK_WAIT_TIMEOUT = OperationalError("database is locked"), OperationalError(1205, "Lock wait timeout exceeded")


@pytest.fixture
def course_names(db):
    """Return course names, after the given errors, and the delays before the repeated queries."""

    def names(*errors):
        left, delays = list(errors), []

        def query(_keys):
            if left:
                raise left.pop(0)
            return {"course-v1:a+b+c": "Course"}

        retry = RetryPolicy(retries=3, sleep=delays.append)
        lookup = DatabaseLookup(replace(lms_models(), course_names=query), "xapi", add=False, retry=retry)
        return lookup.course_names([]), delays

    return names


@pytest.mark.parametrize("error", [LOCKED, LOCK_WAIT_TIMEOUT])
def test_a_query_is_repeated_after_a_lock(course_names, error):
    names, delays = course_names(error, error)
    assert names == {"course-v1:a+b+c": "Course"}
    assert len(delays) == 2


def test_a_lock_that_lasts_is_an_error(course_names):
    with pytest.raises(IdentityError, match="locked by another process"):
        course_names(*[LOCK_WAIT_TIMEOUT] * 4)


@pytest.mark.parametrize("error", [OperationalError("near ada"), IntegrityError("ada")])
def test_other_errors_are_not_repeated_nor_quoted(course_names, error):
    with pytest.raises(IdentityError) as caught:
        course_names(error)
    assert type(error).__name__ in str(caught.value)
    assert "ada" not in str(caught.value)


def test_a_query_has_at_most_as_many_parameters_as_allowed():
    values = list(range(2 * MAX_PARAMETERS + 1))
    parts = list(query_parts(values))
    assert [len(part) for part in parts] == [MAX_PARAMETERS, MAX_PARAMETERS, 1]
    assert [value for part in parts for value in part] == values
