"""The rate limiter, with a clock of its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_replay.sinks.lrs.http.rate_limiter import RateLimiter


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def send(limiter, clock, statements, seconds):
    """Send as soon as the limiter allows it, and return the delay."""
    waited = limiter.reserve(statements)
    clock.now += waited + seconds
    limiter.responded(statements, seconds)
    return waited


def test_no_delay_while_all_is_well(clock):
    limiter = RateLimiter(clock=clock)
    assert {send(limiter, clock, 100, 0.2) for _ in range(50)} == {0}


@given(sizes=st.lists(st.integers(1, 50), min_size=2, max_size=30), rate=st.floats(0.5, 1000))
def test_average_rate_is_limited(sizes, rate):
    clock = Clock()
    limiter = RateLimiter(rate, clock=clock)
    started = clock.now
    for size in sizes:
        clock.now += limiter.reserve(size)
    assert clock.now - started >= sum(sizes[:-1]) / rate * 0.999


def test_a_pause_allows_no_burst(clock):
    """The rate is what the destination can handle at any time."""
    limiter = RateLimiter(10, clock=clock)
    limiter.reserve(10)
    clock.now += 3600
    assert [limiter.reserve(10), limiter.reserve(10)] == [0, 1]


def test_overload_raises_the_backoff_factor_for_a_while(clock):
    limiter = RateLimiter(clock=clock)
    for _ in range(3):
        limiter.overloaded(0.5)
    assert limiter.backoff_factor == 4
    waits = [send(limiter, clock, 10, 0.5) for _ in range(20)]
    assert waits[0] > waits[5] > waits[-1] == 0


def test_retry_after_is_waited_for(clock):
    limiter = RateLimiter(clock=clock)
    limiter.overloaded(0.01, retry_after_seconds=20)
    assert limiter.reserve(1) == 20


def test_slow_responses_raise_the_backoff_factor_for_a_while(clock):
    limiter = RateLimiter(clock=clock)
    for _ in range(10):
        send(limiter, clock, 100, 0.4)
    slow = [send(limiter, clock, 100, 4.0) for _ in range(3)]
    assert limiter.backoff_factor > 0
    assert slow[-1] > 0
    for _ in range(20):
        send(limiter, clock, 100, 0.4)
    assert limiter.backoff_factor == 0


def test_permanently_slower_destination_needs_no_backoff(clock):
    limiter = RateLimiter(clock=clock)
    send(limiter, clock, 100, 0.4)
    for _ in range(100):
        send(limiter, clock, 100, 4.0)
    assert limiter.backoff_factor == 0


def test_small_requests_are_not_compared(clock):
    limiter = RateLimiter(clock=clock)
    for _ in range(10):
        send(limiter, clock, 1000, 1.0)
        send(limiter, clock, 1, 1.5)
    assert limiter.backoff_factor == 0


def test_pause_has_a_limit(clock):
    limiter = RateLimiter(clock=clock)
    for _ in range(20):
        limiter.overloaded(60)
    assert limiter.reserve(1) <= 30
