"""Queries in the LMS's database are repeated after a lock or a lost connection, a bounded number of times."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError, connection
from opaque_keys.edx.keys import CourseKey

from log_replay.errors import IdentityError
from log_replay.identities.database import DatabaseLookup, lms_models
from log_replay.identities.parameters import MAX_PARAMETERS, padded, query_parts
from log_replay.retry import RetryPolicy
from tests.support.sample_identities import ASTRO, COURSES

LOCKED, LOCK_WAIT_TIMEOUT = OperationalError("database is locked"), OperationalError(1205, "Lock wait timeout exceeded")


@pytest.fixture
def course_names(sample_identities):
    """Return the name of a course, after the given errors, and the delays before the repeated queries."""

    def names(*errors):
        left, delays = list(errors), []

        def execute(query, *arguments):
            if left:
                raise left.pop(0)
            return query(*arguments)

        lookup = DatabaseLookup(lms_models(), "xapi", add=False, retry=RetryPolicy(retries=3, sleep=delays.append))
        with connection.execute_wrapper(execute):
            return lookup.course_names([CourseKey.from_string(ASTRO)]), delays

    return names


@pytest.mark.parametrize("error", [LOCKED, LOCK_WAIT_TIMEOUT])
def test_a_query_is_repeated_after_a_lock(course_names, error):
    names, delays = course_names(error, error)
    assert names == {ASTRO: COURSES[ASTRO]}
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


@pytest.mark.parametrize(
    ("number", "length"), [(0, 0), (1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (MAX_PARAMETERS, 16384)]
)
def test_parameters_are_padded_to_a_power_of_two(number, length):
    values = list(range(number))
    assert padded(values)[:number] == values
    assert set(padded(values)) == set(values)
    assert len(padded(values)) == length
