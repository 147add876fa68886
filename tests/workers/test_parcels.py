"""What is packed comes back as it was."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from log_replay.parcels import pack_block, pack_result, unpack_block, unpack_result
from log_replay.records import BlockResult, LineBlock, Position, Statement, TransformedEvent

NUMBERS = st.integers(min_value=0, max_value=2**40)
LINES = st.lists(st.tuples(st.binary(max_size=20).filter(lambda line: b"\n" not in line), NUMBERS), max_size=5)
STATEMENTS = st.lists(st.builds(Statement, st.text(), st.text(), st.binary()), max_size=3).map(tuple)
EVENTS = st.lists(
    st.builds(TransformedEvent, st.builds(Position, st.just("log"), NUMBERS), st.text(), STATEMENTS, st.just(-1)),
    max_size=5,
)


@given(LINES, NUMBERS, st.lists(NUMBERS, max_size=2))
def test_a_block_arrives_as_it_was(lines, end, oversized):
    block = LineBlock("log", [line for line, _ in lines], [offset for _, offset in lines], end, oversized)
    assert unpack_block(pickle.loads(pickle.dumps(pack_block(block)))) == block


@given(EVENTS)
def test_a_result_arrives_as_it_was(events):
    result = BlockResult("log", 7, events=list(events))
    assert unpack_result(pickle.loads(pickle.dumps(pack_result(BlockResult("log", 7, events=list(events)))))) == result
