"""What is taken apart and put into a buffer comes out in another process as it was."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.pipeline.workers.codec import pack_block, pack_result, unpack_block, unpack_result
from log_replay.pipeline.workers.shared_buffer import TRAY_BYTES, SharedBuffer
from log_replay.records import BlockResult, LineBlock, Position, Statement, TransformedEvent, statement_lines

NUMBERS = st.integers(min_value=0, max_value=2**40)
#: What a statement's text may be: all but a line end.
TEXTS = st.binary().map(lambda text: text.replace(b"\n", b""))
STATEMENTS = st.lists(st.builds(Statement, st.text(), st.text(), TEXTS), max_size=3).map(tuple)
EVENTS = st.lists(
    st.builds(TransformedEvent, st.builds(Position, st.just("log"), NUMBERS), st.text(), STATEMENTS, st.just(-1)),
    max_size=5,
)


@pytest.fixture(scope="module")
def buffer():
    buffer = SharedBuffer()
    yield buffer
    buffer.close()


def answer(connection, buffer):
    """Put back what comes, twice."""
    while (packed := connection.recv()) is not None:
        head, text = buffer.take(packed)
        connection.send(buffer.put(head, [bytes(text)] * 2))


@pytest.fixture(scope="module")
def other_process(buffer):
    context = multiprocessing.get_context("spawn")
    connection, theirs = context.Pipe()
    process = context.Process(target=answer, args=(theirs, buffer), daemon=True)
    process.start()
    yield connection
    connection.send(None)
    process.join()


@given(st.integers(), st.lists(st.binary()), NUMBERS, st.lists(NUMBERS), st.none() | st.frozensets(NUMBERS))
def test_a_block_arrives_as_it_was(buffer, start, pieces, end, oversized, wanted):
    block = LineBlock("log", pieces, start, end, oversized, wanted)
    arrived = unpack_block(*buffer.take(buffer.put(*pack_block(block))))
    assert arrived.text == b"".join(pieces) == block.text
    assert replace(arrived, pieces=()) == replace(block, pieces=())


@given(EVENTS)
def test_a_result_arrives_as_it_was(buffer, events):
    result = BlockResult("log", 7, events=list(events))
    parts = pack_result(BlockResult("log", 7, events=list(events)))
    arrived = unpack_result(*buffer.take(buffer.put(*parts)))
    assert [*arrived.events] == [arrived.events[number] for number in range(len(arrived.events))] == events
    assert statement_lines(arrived.events) == statement_lines(events)
    assert replace(arrived, events=()) == replace(result, events=())


@pytest.mark.parametrize("size", [0, 1, TRAY_BYTES, 3 * TRAY_BYTES, 2, TRAY_BYTES // 2 - 50, 17])
def test_a_tray_is_as_large_as_what_is_put_in(buffer, other_process, size):
    text = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    other_process.send(buffer.put("head", [text]))
    assert buffer.take(other_process.recv()) == ("head", text * 2)


def test_a_tray_that_was_large_gives_the_memory_back(buffer):
    buffer.take(buffer.put("large", [bytes(5 * TRAY_BYTES)]))
    buffer.put("small", [])
    assert buffer.size_bytes == TRAY_BYTES


def test_what_was_taken_and_not_copied_cannot_be_mistaken_for_what_is_put_in_next(buffer):
    _, taken = buffer.take(buffer.put("head", [b"text"]))
    buffer.put("head", [b"next"])
    with pytest.raises(ValueError, match="released"):
        bytes(taken)


def test_where_a_sandbox_forbids_memfd_a_nameless_file_does(monkeypatch):
    def forbidden(*_):
        raise PermissionError

    monkeypatch.setattr(os, "memfd_create", forbidden)
    buffer = SharedBuffer()
    assert buffer.take(buffer.put({"head": 1}, [b"te", b"xt"])) == ({"head": 1}, b"text")
    buffer.close()
