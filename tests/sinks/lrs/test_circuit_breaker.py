"""When a lost route is tried again, and what routes are called."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from log_replay.errors import DestinationNotResponding, DestinationUnavailable
from log_replay.sinks.lrs.circuit_breaker import BreakerDelays, CircuitBreaker
from log_replay.sinks.lrs.routes import Route, names


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def standing(clock):
    endpoint = SimpleNamespace(insists=True)
    return CircuitBreaker("an LRS", endpoint, BreakerDelays(first_seconds=10, longest_seconds=50), clock)


def test_a_lost_route_is_tried_again_after_pauses_that_grow(standing, clock):
    assert standing.is_available
    pauses = []
    for _ in range(5):
        standing.lose(DestinationNotResponding("no answer"))
        since = clock.now
        while not standing.is_available:
            clock.now += 1
        pauses.append(clock.now - since)
    assert pauses == [10, 20, 40, 50, 50]


def test_once_it_is_back_it_is_insisted_on_and_its_pauses_are_short_again(standing, clock):
    for _ in range(3):
        standing.lose(DestinationNotResponding("no answer"))
    assert not standing.endpoint.insists
    standing.regain()
    assert standing.is_available
    assert standing.endpoint.insists
    standing.lose(DestinationNotResponding("no answer"))
    clock.now += 10
    assert standing.is_available


def test_what_said_no_is_not_asked_again(standing, clock):
    standing.lose(DestinationUnavailable("401"))
    standing.retry_now()
    clock.now += 10_000
    assert not standing.is_available


def test_what_may_be_back_can_be_tried_at_once(standing):
    standing.lose(DestinationNotResponding("no answer"))
    standing.retry_now()
    assert standing.is_available


def test_routes_are_called_by_their_urls_without_secrets():
    assert names([Route("https://a/x?token=s3cret"), Route("https://b/x")]) == ["https://a/x", "https://b/x"]


def test_routes_of_the_same_url_are_told_apart_in_whatever_order_they_come():
    routes = [
        Route("https://a/x", match={"org": "one"}),
        Route("https://a/x", match={"org": "two"}, authorization="Basic s3cret"),
        Route("https://a/x?tenant=3"),
    ]
    named = dict(zip(names(routes), routes, strict=True))
    assert sorted(named) == ["https://a/x", "https://a/x (2)", "https://a/x (3)"]
    backwards = routes[::-1]
    assert dict(zip(names(backwards), backwards, strict=True)) == named
