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


def send(pace, clock, statements, seconds):
    """Send as soon as the pace allows it and return how long that was waited for."""
    waited = pace.wait_seconds(statements)
    clock.now += waited + seconds
    pace.answered(statements, seconds)
    return waited


def test_all_goes_at_full_speed_while_all_is_well(clock):
    pace = RateLimiter(clock=clock)
    assert {send(pace, clock, 100, 0.2) for _ in range(50)} == {0}


@given(sizes=st.lists(st.integers(1, 50), min_size=2, max_size=30), rate=st.floats(0.5, 1000))
def test_the_rate_is_kept_on_average(sizes, rate):
    clock = Clock()
    pace = RateLimiter(rate, clock=clock)
    started = clock.now
    for size in sizes:
        clock.now += pace.wait_seconds(size)
    assert clock.now - started >= sum(sizes[:-1]) / rate * 0.999


def test_what_was_not_sent_is_not_caught_up_with(clock):
    """A rate is what the destination can bear, so a pause gives no right to a burst."""
    pace = RateLimiter(10, clock=clock)
    pace.wait_seconds(10)
    clock.now += 3600
    assert [pace.wait_seconds(10), pace.wait_seconds(10)] == [0, 1]


def test_it_slows_down_when_it_is_asked_to_and_recovers(clock):
    pace = RateLimiter(clock=clock)
    for _ in range(3):
        pace.troubled(0.5)
    assert pace.ease == 4
    waits = [send(pace, clock, 10, 0.5) for _ in range(20)]
    assert waits[0] > waits[5] > waits[-1] == 0


def test_it_leaves_alone_who_asks_for_it(clock):
    pace = RateLimiter(clock=clock)
    pace.troubled(0.01, retry_after_seconds=20)
    assert pace.wait_seconds(1) == 20


def test_it_slows_down_when_answers_take_ever_longer_and_recovers(clock):
    pace = RateLimiter(clock=clock)
    for _ in range(10):
        send(pace, clock, 100, 0.4)
    slow = [send(pace, clock, 100, 4.0) for _ in range(3)]
    assert pace.ease > 0
    assert slow[-1] > 0
    for _ in range(20):
        send(pace, clock, 100, 0.4)
    assert pace.ease == 0


def test_a_destination_that_has_become_slower_for_good_is_not_held_against_it(clock):
    pace = RateLimiter(clock=clock)
    send(pace, clock, 100, 0.4)
    for _ in range(100):
        send(pace, clock, 100, 4.0)
    assert pace.ease == 0


def test_small_requests_say_nothing(clock):
    pace = RateLimiter(clock=clock)
    for _ in range(10):
        send(pace, clock, 1000, 1.0)
        send(pace, clock, 1, 1.5)
    assert pace.ease == 0


def test_no_rest_is_endless(clock):
    pace = RateLimiter(clock=clock)
    for _ in range(20):
        pace.troubled(60)
    assert pace.wait_seconds(1) <= 30
