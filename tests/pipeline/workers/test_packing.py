"""Events are packed in C as in Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay import _speedups
from log_replay.pipeline.workers.codec import pack_events
from log_replay.records import Position, Statement, TransformedEvent

pytestmark = pytest.mark.skipif(_speedups.pack_events is None, reason="C extension not built: install a C compiler")

#: C packs the ids and timestamps that are ASCII, as they nearly always are.
ASCII = st.text(st.characters(max_codepoint=127), max_size=40)
STATEMENTS = st.lists(st.builds(Statement, ASCII, ASCII, st.binary(max_size=60)), max_size=3).map(tuple)


def events(statements):
    return st.lists(
        st.builds(
            TransformedEvent,
            st.builds(Position, st.just("log"), st.integers(-(2**63), 2**63 - 1)),
            st.text(max_size=5),
            statements,
            st.none() | st.lists(st.text(max_size=3), max_size=2).map(tuple),
        ),
        max_size=20,
    )


@given(events(STATEMENTS))
def test_c_packs_events_as_python_does(given_events):
    assert _speedups.pack_events(given_events) == pack_events(given_events)


@given(events(STATEMENTS), st.text(st.characters(min_codepoint=128), min_size=1))
def test_ids_and_times_beyond_ascii_are_left_to_python(given_events, text):
    for statement in (Statement(text, "", b""), Statement("", text, b"")):
        event = TransformedEvent(Position("log", 1), "play_video", (statement,))
        assert _speedups.pack_events([*given_events, event]) is None


def test_wrong_arguments_are_an_error():
    position, statement = Position("log", 1), Statement("id", "time", b"text")
    for wrong in (
        TransformedEvent(("log", 2**63), "name", (statement,)),
        TransformedEvent(position, "name", [statement]),
        TransformedEvent(position, "name", (("id", "time", "text"),)),
        TransformedEvent(position, "name", ((b"id", "time", b"text"),)),
        TransformedEvent(position, "name", (("id", "time"),)),
        (position, "name"),
        None,
    ):
        with pytest.raises((TypeError, OverflowError, IndexError, SystemError)):
            _speedups.pack_events([wrong])
