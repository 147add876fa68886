"""Bytes are cut into blocks of lines."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.errors import ReadError
from log_replay.pipeline.lines import blocks
from log_replay.records import lines_of

# Mostly line ends, and bytes that other libraries take for line ends.
DATA = st.lists(st.sampled_from([b"\n", b"\n", b"\r", b"\x0b", b"\x85", b"\0", b"a", b"bc", b"\xc3\xa9"])).map(b"".join)


def chunked(data, cuts):
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def expected_lines(data, start=0):
    lines, offset = [], start
    for line in data.split(b"\n"):
        lines.append((offset, line))
        offset += len(line) + 1
    return lines if lines[-1][1] else lines[:-1]


def texts(block):
    return [line for line, _ in lines_of(block)]


def flat(found):
    return [(offset, line) for block in found for line, offset in lines_of(block)]


@given(DATA, st.lists(st.integers(0, 1000)), st.integers(1, 20), st.integers(0, 10**12))
def test_chunks_and_block_size_do_not_change_lines(data, cuts, block_bytes, start):
    found = list(blocks(chunked(data, cuts), object="log", start=start, block_bytes=block_bytes))
    assert flat(found) == expected_lines(data, start)
    assert not found or found[-1].end_offset == start + len(data)


@given(DATA, st.lists(st.integers(0, 1000)), st.integers(1, 20), st.integers(0, 5))
def test_only_lines_over_the_limit_are_left_out(data, cuts, block_bytes, limit):
    found = list(blocks(chunked(data, cuts), object="log", block_bytes=block_bytes, max_line_bytes=limit))
    lines = expected_lines(data)
    assert flat(found) == [(offset, line) for offset, line in lines if len(line) <= limit]
    oversized = [offset for block in found for offset in block.oversized]
    assert oversized == [offset for offset, line in lines if len(line) > limit]
    assert not found or found[-1].end_offset == len(data)


@given(DATA, st.lists(st.integers(0, 1000)), st.integers(1, 20))
def test_block_ends_where_the_next_line_begins(data, cuts, block_bytes):
    found = list(blocks(chunked(data, cuts), object="log", block_bytes=block_bytes, max_line_bytes=3))
    for block, following in pairwise(found):
        assert block.end_offset == min([offset for _, offset in lines_of(following)] + following.oversized)
        assert data[: block.end_offset].endswith(b"\n")


@given(DATA, st.lists(st.integers(0, 1000)), st.integers(1, 20), st.integers(1, 5))
def test_failed_source_gives_its_complete_lines_and_next_offset(data, cuts, block_bytes, limit):
    def breaking():
        yield from chunked(data, cuts)
        raise ReadError("reset", offset=len(data))

    found = []
    with pytest.raises(ReadError) as caught:
        found.extend(blocks(breaking(), object="log", block_bytes=block_bytes, max_line_bytes=limit))
    # extend() stops at the error, but keeps the blocks before it.
    complete = data[: data.rfind(b"\n") + 1]
    assert flat(found) == [(offset, line) for offset, line in expected_lines(complete) if len(line) <= limit]
    assert caught.value.offset == len(complete)


def test_empty_object_gives_no_block():
    assert list(blocks([], object="log")) == []
    assert list(blocks([b"", b""], object="log")) == []


def test_block_has_about_the_wanted_size():
    data = b"".join(b"%099d\n" % number for number in range(1000))
    sizes = [len(list(lines_of(block))) for block in blocks([data], object="log", block_bytes=1000)]
    assert max(sizes) <= 20
    assert len(sizes) >= 50


def test_line_longer_than_a_block_is_kept_whole():
    line = b"x" * 5000
    (block,) = blocks([b"a\n" + line + b"\nb"], object="log", block_bytes=10_000)
    assert texts(block) == [b"a", line, b"b"]
    found = blocks([line + b"\n" + b"b" * 150], object="log", block_bytes=100)
    assert [texts(block) for block in found] == [[line], [b"b" * 150]]


@pytest.mark.parametrize(("size_bytes", "count"), [(1000, 1), (1250, 1), (1260, 2)])
def test_an_object_a_little_larger_than_a_block_is_one_block(size_bytes, count):
    data = b"123456789\n" * (size_bytes // 10)
    for chunks in ([data], [data[at : at + 10] for at in range(0, size_bytes, 10)], [data[:1000], data[1000:]]):
        found = list(blocks(chunks, object="log", block_bytes=1000))
        assert len(found) == count
        assert b"".join(bytes(block.text) for block in found) == data


def test_empty_chunk_yields_the_complete_lines():
    found = blocks(iter([b"first\nsec", b"", b"ond\n"]), object="stdin")
    assert texts(next(found)) == [b"first"]
    assert texts(next(found)) == [b"second"]


def test_block_has_the_name_of_its_object():
    assert [block.object for block in blocks([b"a\n"], object="tracking.log")] == ["tracking.log"]
