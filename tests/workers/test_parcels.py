"""What is packed comes back as it was."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from log_replay.records import BlockResult, LineBlock, Position, Statement, TransformedEvent
from log_replay.workers.parcels import pack_result, unpack_result

NUMBERS = st.integers(min_value=0, max_value=2**40)
STATEMENTS = st.lists(st.builds(Statement, st.text(), st.text(), st.binary()), max_size=3).map(tuple)
EVENTS = st.lists(
    st.builds(TransformedEvent, st.builds(Position, st.just("log"), NUMBERS), st.text(), STATEMENTS, st.just(-1)),
    max_size=5,
)


def test_a_block_arrives_as_it_was():
    block = LineBlock("log", b"a\n\nb", 7, 12, [3], frozenset({7}))
    assert pickle.loads(pickle.dumps(block)) == block


@given(EVENTS)
def test_a_result_arrives_as_it_was(events):
    result = BlockResult("log", 7, events=list(events))
    assert unpack_result(pickle.loads(pickle.dumps(pack_result(BlockResult("log", 7, events=list(events)))))) == result
