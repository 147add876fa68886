"""Several routes: the statements for each, and the counters."""

from __future__ import annotations

import json
import pickle
import threading
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_replay.errors import DestinationUnavailable
from log_replay.records import ALL_ROUTES, Delivery
from log_replay.sinks.lrs.routes import Route
from tests.support.lrs_sinks import sink_of
from tests.support.scripted_server import LrsResponse
from tests.support.statement_batches import batch_of, event, xapi


def test_each_route_receives_the_events_that_it_accepts(server, other_server):
    one, other = server.url, other_server.url
    batch = [event(xapi(), routes=routes) for routes in ((), (one,), (other,), (one, other), ALL_ROUTES)]
    delivery = sink_of(Route(server.url), Route(other_server.url)).deliver(batch)
    ids = [each.statements[0].id for each in batch]
    assert [s["id"] for s in json.loads(server.asked[0].body)] == [ids[1], ids[3], ids[4]]
    assert [s["id"] for s in json.loads(other_server.asked[0].body)] == [ids[2], ids[3], ids[4]]
    assert delivery[:4] == (4, 0, 1, 0)
    assert delivery.outcomes == ["unrouted", "delivered", "delivered", "delivered", "delivered"]


def test_matcher_returns_the_names_of_routes():
    matches = {"http://a": {"name": "some"}, "http://b": {"name": "other"}, "http://c": {}}
    sink = sink_of(*(Route(url, match=match) for url, match in matches.items()))
    assert sink.routing.matcher()({"name": "some.event"}) == ("http://a", "http://c")


def test_names_of_routes_do_not_depend_on_their_order():
    routes = [Route("http://a?1", match={"name": "x"}), Route("http://b"), Route("http://a?2", match={"name": "y"})]
    assert sink_of(*routes).routing == sink_of(*reversed(routes)).routing


def test_routing_is_picklable_and_without_credentials():
    sink = sink_of(Route("http://a", "Basic c2VjcmV0", headers={"X-Key": "hidden"}, match={"name": "some"}))
    pickled = pickle.dumps(sink.routing)
    assert b"c2VjcmV0" not in pickled
    assert b"hidden" not in pickled
    assert pickle.loads(pickled) == sink.routing


def test_routes_without_filters_need_no_matcher(server, other_server):
    assert sink_of(Route(server.url), Route(other_server.url)).routing.matcher() is None


def test_repeated_ids_are_sent_once(server):
    statement = xapi()
    delivery = sink_of(Route(server.url)).deliver([event(statement, statement), event(statement), event(xapi())])
    assert len(json.loads(server.asked[0].body)) == 2
    assert delivery[:4] == (2, 2, 0, 0)
    assert delivery.outcomes == ["delivered", "duplicate", "duplicate", "delivered"]


def test_repeated_id_for_another_route_is_delivered_there(server, other_server):
    statement = xapi()
    batch = [event(statement, routes=(server.url,)), event(statement)]
    delivery = sink_of(Route(server.url), Route(other_server.url)).deliver(batch)
    assert delivery[:4] == (2, 0, 0, 0)
    assert len(json.loads(server.asked[0].body)) == len(json.loads(other_server.asked[0].body)) == 1


def test_overridden_ids_are_compared(server):
    delivery = sink_of(Route(server.url, override={"id": "x"})).deliver(batch_of(3))
    assert delivery[:4] == (1, 2, 0, 0)


def test_repeated_id_with_different_content_is_a_conflict(server):
    first, differing = xapi(), xapi(result={"completion": True})
    batch = [event(first), event(differing._replace(id=first.id), offset=700)]
    delivery = sink_of(Route(server.url)).deliver(batch)
    assert delivery.outcomes == ["delivered", "failed"]
    assert [(refusal.reason, refusal.position.offset) for refusal in delivery.refusals] == [("conflict", 700)]


def test_statement_refused_by_one_route_fails(server, other_server):
    server.script = [LrsResponse(400)]
    batch = [event(xapi()), event(xapi(), routes=(other_server.url,))]
    delivery = sink_of(Route(server.url), Route(other_server.url)).deliver(batch)
    assert delivery.outcomes == ["failed", "delivered"]


def test_each_refused_statement_has_a_failure_message(server):
    """The report counts these messages."""
    server.script = [LrsResponse(400)]
    delivery = sink_of(Route(server.url)).deliver(batch_of(7))
    assert delivery.failed == len(delivery.failures) == 7
    assert len(set(delivery.failures)) == 1


def test_unavailable_route_does_not_stop_the_others(server, other_server):
    server.script = [LrsResponse(401)]
    sink = sink_of(Route(server.url), Route(other_server.url))
    for count in (1, 2):
        batch = [event(xapi()), event(xapi(), routes=(other_server.url,))]
        delivery = sink.deliver(batch)
        assert delivery.outcomes == ["failed", "delivered"]
        assert delivery.undelivered.routes == {server.url: 1}
        assert [(refusal.reason, refusal.destination) for refusal in delivery.undelivered.refusals] == [
            ("destination_unavailable", server.url)
        ]
        assert "401 Unauthorized" in delivery.routes[server.url].unavailable
        assert delivery.failures == ()
        assert (len(server.posted), len(other_server.posted)) == (1, count)


def test_routes_receive_a_batch_at_the_same_time(server, other_server):
    both_have_a_request = threading.Barrier(2, timeout=60)

    def wait_for_the_other(asked):
        both_have_a_request.wait()
        return LrsResponse()

    server.next_answer = other_server.next_answer = wait_for_the_other
    delivery = sink_of(Route(server.url), Route(other_server.url)).deliver(batch_of(1))
    assert delivery.delivered == 1


def test_run_stops_when_no_route_is_available(server, other_server):
    server.script, other_server.script = [LrsResponse(401)], [LrsResponse(200), LrsResponse(404)]
    sink = sink_of(Route(server.url), Route(other_server.url))
    assert sink.deliver(batch_of(1)).failed == 1
    with pytest.raises(DestinationUnavailable, match=other_server.url):
        sink.deliver(batch_of(1))


def test_error_names_all_unavailable_routes(server, other_server):
    server.script = other_server.script = [LrsResponse(401)]
    with pytest.raises(DestinationUnavailable, match=rf"{server.url}.*{other_server.url}"):
        sink_of(Route(server.url), Route(other_server.url)).deliver(batch_of(1))


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    routes=st.lists(st.none() | st.sets(st.integers(min_value=0, max_value=1)), max_size=12),
    ids=st.lists(st.sampled_from("abc"), min_size=12, max_size=12),
    statuses=st.tuples(st.sampled_from([200, 400]), st.sampled_from([200, 400])),
)
def test_every_statement_is_counted_once(server, other_server, routes, ids, statuses):
    server.script, other_server.script = ([LrsResponse(status)] for status in statuses)
    urls = (server.url, other_server.url)
    names = [numbers if numbers is None else tuple(urls[number] for number in numbers) for numbers in routes]
    batch = [event(xapi(id=id_), routes=named) for id_, named in zip(ids, names, strict=False)]
    delivery = sink_of(Route(server.url), Route(other_server.url)).deliver(batch)
    counts = dict(zip(Delivery._fields[:4], delivery[:4], strict=True))
    assert sum(counts.values()) == len(batch)
    assert not delivery.outcomes or +Counter(counts) == Counter(delivery.outcomes)
    assert delivery.failed == 0 or delivery.failures
