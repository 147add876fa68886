"""The counts of statements: in C as in Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.inspect.counting import count_statements
from log_replay.records import Statement
from tests.support.times import TIMES

pytestmark = pytest.mark.skipif(
    _speedups.count_statements is None, reason="C extension not built: install a C compiler"
)
VERB_KEY = b'"verb":{"id":"'


def statement(time, text):
    return Statement("", time, text)


STATEMENTS = st.builds(
    statement,
    TIMES,
    st.one_of(
        st.binary(max_size=80),
        st.builds(
            lambda before, verb, after: before + VERB_KEY + verb + after,
            st.binary(max_size=40), st.binary(max_size=3), st.sampled_from([b'"}}', b"", b'"' * 90]),
        ),
    ),
)  # fmt: skip


@given(st.lists(st.lists(STATEMENTS, max_size=4), max_size=12), st.integers(0, 100))
def test_c_counts_statements_as_python_does(statements, threshold):
    noted = [(None, None, tuple(found), offset) for offset, found in enumerate(statements)]
    counted = _speedups.count_statements(noted, VERB_KEY, threshold)
    assert counted == tuple(count_statements(noted, VERB_KEY, threshold))


def test_any_number_of_verbs_is_counted():
    numbers = [7 * number % 1000 for number in range(3000)]
    noted = [(None, None, (statement("", VERB_KEY + b'%d"' % number),), 0) for number in numbers]
    assert _speedups.count_statements(noted, VERB_KEY, 1000)[4] == {b"%d" % number: 3 for number in range(1000)}


def test_wrong_arguments_are_an_error():
    for wrong in (((), VERB_KEY, 1), ([], "text", 1), ([], b"", 1), ([], VERB_KEY, "1"), ([()], VERB_KEY, 1)):
        with pytest.raises((TypeError, IndexError)):
            _speedups.count_statements(*wrong)
    for wrong in ((VERB_KEY, None), (None, 1)):
        with pytest.raises(TypeError):
            _speedups.new_tally(*wrong)
    for wrong in (None, []):
        with pytest.raises(ValueError, match="PyCapsule"):
            _speedups.count_tally(wrong)
