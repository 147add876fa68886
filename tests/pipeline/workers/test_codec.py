"""Blocks and results are the same after they travel through a shared buffer."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.pipeline.workers.codec import pack_blocks, pack_results, unpack_blocks, unpack_results
from log_replay.pipeline.workers.shared_buffer import BUFFER_BYTES, SharedBuffer
from log_replay.records import BlockResult, LineBlock, Position, Statement, TransformedEvent, statement_lines

NUMBERS = st.integers(min_value=0, max_value=2**40)
#: The text of a statement holds anything but a line end.
TEXTS = st.binary().map(lambda text: text.replace(b"\n", b""))
STATEMENTS = st.lists(st.builds(Statement, st.text(), st.text(), TEXTS), max_size=3).map(tuple)
ROUTES = st.none() | st.lists(st.text(), max_size=2).map(tuple)
EVENTS = st.lists(
    st.builds(TransformedEvent, st.builds(Position, st.just("log"), NUMBERS), st.text(), STATEMENTS, ROUTES),
    max_size=5,
)

BLOCKS = st.builds(
    LineBlock,
    st.just("log"),
    st.lists(st.binary()),
    st.integers(),
    NUMBERS,
    st.lists(NUMBERS),
    st.none() | st.frozensets(NUMBERS),
)


@pytest.fixture(scope="module")
def buffer():
    buffer = SharedBuffer()
    yield buffer
    buffer.close()


def echo_twice(connection, buffer):
    """Write each text that is received back into the buffer, twice."""
    while (head_bytes := connection.recv()) is not None:
        head, (text,) = buffer.read(head_bytes)
        connection.send(buffer.write(head, [[bytes(text)] * 2]))


@pytest.fixture(scope="module")
def other_process(buffer):
    context = multiprocessing.get_context("spawn")
    connection, theirs = context.Pipe()
    process = context.Process(target=echo_twice, args=(theirs, buffer), daemon=True)
    process.start()
    yield connection
    connection.send(None)
    process.join()


@given(st.lists(BLOCKS, max_size=4))
def test_blocks_arrive_unchanged(buffer, blocks):
    arrived = unpack_blocks(*buffer.read(buffer.write(*pack_blocks(blocks))))
    assert [block.text for block in arrived] == [block.text for block in blocks]
    assert [replace(block, pieces=()) for block in arrived] == [replace(block, pieces=()) for block in blocks]


@given(st.lists(EVENTS, max_size=4))
def test_results_arrive_unchanged(buffer, given_events):
    parts = pack_results([BlockResult("log", 7, events=list(events)) for events in given_events])
    arrived = unpack_results(*buffer.read(buffer.write(*parts)))
    for result, events in zip(arrived, given_events, strict=True):
        assert [*result.events] == [result.events[number] for number in range(len(events))] == events
        assert statement_lines(result.events) == statement_lines(events)
        assert replace(result, events=()) == BlockResult("log", 7)


@pytest.mark.parametrize("size", [0, 1, BUFFER_BYTES, 3 * BUFFER_BYTES, 2, BUFFER_BYTES // 2 - 50, 17])
def test_buffer_grows_and_shrinks_with_its_content(buffer, other_process, size):
    text = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    other_process.send(buffer.write("head", [[text]]))
    assert buffer.read(other_process.recv()) == ("head", [text * 2])


def test_buffer_frees_the_memory_of_a_large_content(buffer):
    buffer.read(buffer.write("large", [[bytes(5 * BUFFER_BYTES)]]))
    buffer.write("small", [])
    assert buffer.size_bytes == BUFFER_BYTES


def test_bytes_cannot_be_used_after_the_next_write(buffer):
    _, (view,) = buffer.read(buffer.write("head", [[b"text"]]))
    buffer.write("head", [[b"next"]])
    with pytest.raises(ValueError, match="released"):
        bytes(view)


def test_buffer_works_where_memfd_is_forbidden(monkeypatch):
    def forbidden(*_):
        raise PermissionError

    monkeypatch.setattr(os, "memfd_create", forbidden)
    buffer = SharedBuffer()
    assert buffer.read(buffer.write({"head": 1}, [[b"te", b"xt"], [], [b"more"]])) == (
        {"head": 1},
        [b"text", b"", b"more"],
    )
    buffer.close()
