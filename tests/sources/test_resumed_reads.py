"""Resume after interruptions, with a source in memory that fails on a schedule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.retry import RetryPolicy, TemporaryError
from log_replay.sources.resume import resumed

# Number of bytes that each opened stream yields before it fails; None: opening it fails.
BREAKS = st.lists(st.none() | st.integers(0, 10), max_size=30)


class BreakingBytes:
    """Bytes that can be read from any offset. Streams fail by the schedule; after its end, none fails."""

    def __init__(self, data, breaks, chunk_bytes):
        self.data = data
        self.breaks = list(breaks)
        self.chunk_bytes = chunk_bytes

    def open_at(self, offset):
        if not self.breaks:
            yield from self.chunks(offset, len(self.data))
            return
        given = self.breaks.pop(0)
        if given is None:
            raise TemporaryError("refused")
        yield from self.chunks(offset, min(offset + given, len(self.data)))
        raise TemporaryError("reset")

    def chunks(self, begin, end):
        for at in range(begin, end, self.chunk_bytes):
            yield self.data[at : min(at + self.chunk_bytes, end)]


def resumed_bytes(source, start, retry_policy):
    return resumed(source.open_at, start, lambda offset, chunk: offset + len(chunk), retry_policy)


@given(st.binary(max_size=100), BREAKS, st.integers(1, 8), st.integers(0, 100), st.integers(0, 4))
def test_any_interruptions_yield_each_byte_once_or_fail(data, breaks, chunk_bytes, start, retries):
    found = b""
    waits = []
    try:
        for chunk in resumed_bytes(
            BreakingBytes(data, breaks, chunk_bytes), start, RetryPolicy(retries, sleep=waits.append)
        ):
            found += chunk
    except TemporaryError:
        assert data[start:].startswith(found)
    else:
        assert found == data[start:]
    assert len(waits) <= len(breaks)


def test_resume_fails_after_the_given_number_of_retries():
    waits = []
    with pytest.raises(TemporaryError, match="refused"):
        list(resumed_bytes(BreakingBytes(b"data", [None] * 100, 1), 0, RetryPolicy(3, sleep=waits.append)))
    assert len(waits) == 3


def test_progress_resets_the_number_of_failures():
    source = BreakingBytes(bytes(100), [None, 1] * 50, 1)
    assert b"".join(resumed_bytes(source, 0, RetryPolicy(2, sleep=lambda _: None))) == bytes(100)


def test_delays_grow_up_to_a_limit_with_jitter():
    waits = []
    retry_policy = RetryPolicy(12, first_delay_seconds=1, max_delay_seconds=60, sleep=waits.append)
    with pytest.raises(TemporaryError):
        list(resumed_bytes(BreakingBytes(b"data", [None] * 100, 1), 0, retry_policy))
    longest = [min(2**failure, 60) for failure in range(12)]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert len(set(waits[6:])) > 1


@pytest.mark.parametrize(("asked", "waited"), [(20, 20), (86_400, 60)])
def test_retry_after_is_respected_up_to_a_limit(asked, waited):
    waits = []
    retry_policy = RetryPolicy(5, first_delay_seconds=0.1, max_retry_after_seconds=60, sleep=waits.append)
    retry_policy.wait(1, TemporaryError("busy", retry_after_seconds=asked))
    assert waits == [waited]


def test_stream_is_closed_when_the_reader_closes_it():
    closed = []

    def open_at(offset):
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(offset)

    stream = resumed(open_at, 0, lambda offset, chunk: offset + len(chunk), RetryPolicy())
    next(stream)
    stream.close()
    assert closed == [0]
