"""The circuit breaker of a route, and the names of routes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from log_replay.errors import DestinationNotResponding, DestinationUnavailable
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.circuit_breaker import CircuitBreaker
from log_replay.sinks.lrs.routes import Route, names


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    endpoint = SimpleNamespace(retries_enabled=True)
    return CircuitBreaker("an LRS", endpoint, RetryPolicy(first_delay_seconds=10, max_delay_seconds=50), clock)


def test_delays_between_retries_grow_up_to_a_limit(breaker, clock):
    assert breaker.is_available
    delays = []
    for _ in range(5):
        breaker.open(DestinationNotResponding("no response"))
        since = clock.now
        while not breaker.is_available:
            clock.now += 1
        delays.append(clock.now - since)
    assert delays == [10, 20, 40, 50, 50]


def test_closing_enables_retries_and_resets_the_delay(breaker, clock):
    for _ in range(3):
        breaker.open(DestinationNotResponding("no response"))
    assert not breaker.endpoint.retries_enabled
    breaker.close()
    assert breaker.is_available
    assert breaker.endpoint.retries_enabled
    breaker.open(DestinationNotResponding("no response"))
    clock.now += 10
    assert breaker.is_available


def test_refusing_endpoint_is_not_tried_again(breaker, clock):
    breaker.open(DestinationUnavailable("401"))
    breaker.retry_now()
    clock.now += 10_000
    assert not breaker.is_available


def test_retry_now_skips_the_delay(breaker):
    breaker.open(DestinationNotResponding("no response"))
    breaker.retry_now()
    assert breaker.is_available


def test_name_of_a_route_is_its_url_without_secrets():
    assert names([Route("https://a/x?token=s3cret"), Route("https://b/x")]) == ["https://a/x", "https://b/x"]


def test_names_of_routes_with_one_url_do_not_depend_on_order():
    routes = [
        Route("https://a/x", match={"org": "one"}),
        Route("https://a/x", match={"org": "two"}, authorization="Basic s3cret"),
        Route("https://a/x?tenant=3"),
    ]
    named = dict(zip(names(routes), routes, strict=True))
    assert sorted(named) == ["https://a/x", "https://a/x (2)", "https://a/x (3)"]
    backwards = routes[::-1]
    assert dict(zip(names(backwards), backwards, strict=True)) == named
