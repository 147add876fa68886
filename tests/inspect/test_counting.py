"""The counts of statements: in C as in Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.inspect.counting import count_statements
from log_replay.records import Position, Statement, TransformedEvent
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
    events = [TransformedEvent(Position("x", 0), "name", tuple(found)) for found in statements]
    counted = _speedups.count_statements(events, VERB_KEY, threshold)
    assert counted == tuple(count_statements(events, VERB_KEY, threshold))


def test_more_verbs_than_c_remembers_are_counted():
    events = [
        TransformedEvent(Position("x", 0), "name", (statement("", VERB_KEY + b'%d"' % (number % 40)),))
        for number in range(120)
    ]
    counted = _speedups.count_statements(events, VERB_KEY, 1000)
    assert counted[4] == {b"%d" % number: 3 for number in range(40)}
