"""Concurrent and compressed requests, the rate limit, and refused batches."""

from __future__ import annotations

import gzip
import json
import threading
import time

import pytest
import requests

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.sinks.lrs.routes import Route
from tests.support.interrupting import interrupted_after
from tests.support.lrs_sinks import given_sink, sink_of
from tests.support.scripted_server import LrsResponse, ScriptedServer
from tests.support.statement_batches import batch_of, caliper, event, texts, xapi


def sent(asked) -> list[dict]:
    return [statement for each in asked for statement in json.loads(each.body)]


class WaitingServer(ScriptedServer):
    """A server that waits for a number of requests before it responds to any."""

    def __init__(self, parties: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(parties)

    def next_answer(self, asked):
        self.barrier.wait(60)
        return super().next_answer(asked)


class TestConcurrency:
    """Concurrent requests for one batch."""

    def test_batch_is_sent_in_concurrent_requests(self):
        with WaitingServer(3) as server:
            batch = batch_of(8)
            assert sink_of(Route(server.url), concurrency=3).deliver(batch)[:4] == (8, 0, 0, 0)
            assert sorted(len(json.loads(asked.body)) for asked in server.asked) == [2, 3, 3]
            assert {statement["id"] for statement in sent(server.asked)} == {each.statements[0].id for each in batch}

    def test_concurrent_requests_keep_their_connections(self):
        with WaitingServer(3) as server:
            sink = sink_of(Route(server.url), concurrency=3)
            for _ in range(3):
                sink.deliver(batch_of(3))
            assert (len(server.asked), server.connections) == (9, 3)

    def test_outcomes_are_in_the_order_of_the_batch(self, server):
        invalid = xapi(verb={"id": "no"})

        def answer(asked):
            time.sleep(0.05 * len(server.asked))
            server.asked.append(asked)
            return LrsResponse(400, body=b"{}") if invalid.id.encode() in asked.body else LrsResponse(200)

        server.next_answer = answer
        batch = [*batch_of(2), event(invalid, offset=7), *batch_of(3)]
        delivery = sink_of(Route(server.url), concurrency=4).deliver(batch)
        assert delivery.outcomes == ["delivered"] * 2 + ["failed"] + ["delivered"] * 3
        assert [refusal.position.offset for refusal in delivery.refusals] == [7]

    def test_interrupt_does_not_wait_for_responses(self, server):
        server.script = [LrsResponse(delay_seconds=120)]
        started = time.monotonic()
        with interrupted_after(0.3), pytest.raises(KeyboardInterrupt):
            sink_of(Route(server.url), concurrency=3).deliver(batch_of(3))
        assert time.monotonic() - started < 60

    def test_unavailable_for_one_request_delivers_no_statement(self, server):
        server.script = [LrsResponse(200), LrsResponse(401)]
        with pytest.raises(DestinationUnavailable, match="401"):
            sink_of(Route(server.url), concurrency=2).deliver(batch_of(4))


class TestCompression:
    """Compressed requests."""

    @staticmethod
    def refuse_compressed(server, status):
        """Respond with an error to compressed requests."""

        def answer(asked):
            server.asked.append(asked)
            compressed = asked.headers.get("Content-Encoding") == "gzip"
            return LrsResponse(status if compressed else 200)

        server.next_answer = answer

    def test_requests_are_compressed_if_configured(self, server):
        sink = given_sink({"url": server.url, "compression": "gzip"})
        batch = batch_of(20)
        assert sink.deliver(batch).delivered == 20
        (posted,) = server.asked
        assert posted.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(posted.body) == b"[" + b",".join(texts(batch)) + b"]"
        assert len(posted.body) * 4 < sum(map(len, texts(batch)))

    @pytest.mark.parametrize("status", [400, 415, 500])
    def test_compression_stops_if_the_lrs_cannot_read_it(self, server, status):
        """Learning Locker responds with 400, Ralph with 500."""
        self.refuse_compressed(server, status)
        sink = sink_of(Route(server.url), compression="gzip")
        for _ in range(2):
            assert sink.deliver(batch_of(2)).delivered == 2
        assert [asked.headers.get("Content-Encoding") for asked in server.asked] == ["gzip", None, None]

    @pytest.mark.parametrize("status", [429, 503])
    def test_compression_continues_after_an_overload(self, server, status):
        server.script = [LrsResponse(status), LrsResponse(200)]
        assert sink_of(Route(server.url), compression="gzip").deliver(batch_of(2)).delivered == 2
        assert {asked.headers.get("Content-Encoding") for asked in server.asked} == {"gzip"}

    def test_compression_continues_after_a_later_refusal(self, server):
        server.script = [LrsResponse(200), LrsResponse(400)]
        sink = sink_of(Route(server.url), compression="gzip")
        sink.deliver(batch_of(1))
        assert sink.deliver(batch_of(1)).failed == 1
        assert len(server.asked) == 2

    def test_compression_starts_if_the_lrs_announces_it(self, server):
        server.script = [LrsResponse(200, {"Accept-Encoding": "br, gzip"})]
        sink = sink_of(Route(server.url))
        for _ in range(2):
            sink.deliver(batch_of(2))
        assert [asked.headers.get("Content-Encoding") for asked in server.asked] == [None, "gzip"]

    def test_other_compressions_are_an_error(self):
        with pytest.raises(ConfigurationError, match="gzip"):
            given_sink({"url": "http://lrs", "compression": "br"})


class TestRateLimit:
    """The rate limit."""

    def test_rate_limit_also_limits_the_size_of_requests(self, server):
        started = time.monotonic()
        assert sink_of(Route(server.url), max_rate=20).deliver(batch_of(50)).delivered == 50
        assert time.monotonic() - started >= 2
        assert [len(json.loads(asked.body)) for asked in server.asked] == [20, 20, 10]

    def test_pause_after_an_overload(self, server):
        server.script = [LrsResponse(429), LrsResponse(delay_seconds=0.2), LrsResponse()]
        sink = sink_of(Route(server.url))
        for _ in range(2):
            sink.deliver(batch_of(1))
        answered, after = server.asked[1].moment + 0.2, server.asked[2].moment
        assert after - answered >= 0.1


class TestResponses:
    """Unusual responses."""

    def test_too_long_a_response_is_cut(self, server):
        body = gzip.compress(b"[" + b" " * 200_000_000 + b"]")
        server.script = [LrsResponse(200, {"Content-Encoding": "gzip"}, body=body)]
        with pytest.raises(DestinationUnavailable, match="not as an LRS does"):
            sink_of(Route(server.url)).deliver(batch_of(1))

    @pytest.mark.parametrize("pause_seconds", [0, 30], ids=["closed", "silent"])
    def test_incomplete_response_is_retried(self, server, monkeypatch, pause_seconds):
        def answer(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b'["')
            self.wfile.flush()
            time.sleep(pause_seconds)
            self.close_connection = True

        monkeypatch.setattr(server._server.RequestHandlerClass, "do_POST", answer)
        reason = "no answer in time" if pause_seconds else "the connection broke"
        with pytest.raises(DestinationUnavailable, match=rf"{reason} \(3 attempts\)"):
            sink_of(Route(server.url), timeout_seconds=0.3).deliver(batch_of(1))

    def test_nothing_is_fetched_from_a_caliper_endpoint(self, server):
        good, bad = caliper(), caliper()

        def answer(asked):
            server.asked.append(asked)
            return LrsResponse(409 if bad.id.encode() in asked.body else 202, body=b"thanks")

        server.next_answer = answer
        delivery = sink_of(Route(server.url), transformer_type="caliper").deliver([event(good), event(bad)])
        assert delivery.outcomes == ["delivered", "failed"]
        assert {asked.method for asked in server.asked} == {"POST"}
        assert delivery.refusals[0].statement_id == bad.id


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"verify": "/no/such/file.pem"}, "verify"),
        ({"verify": 0}, "verify"),
        ({"lrs_concurrency": 0}, "lrs_concurrency"),
        ({"lrs_concurrency": 1.5}, "lrs_concurrency"),
        ({"max_rate": 0}, "max_rate"),
        ({"max_rate": float("inf")}, "max_rate"),
    ],
)
def test_invalid_settings_are_an_error(config, message):
    with pytest.raises(ConfigurationError, match=message):
        given_sink({"url": "http://lrs", **config})


class TestRealLrs:
    """Ralph and Learning Locker's core."""

    @pytest.fixture(params=["ralph", "learning_locker"])
    def lrs(self, request):
        return request.getfixturevalue(request.param)

    def test_statements_beside_invalid_ones_are_stored(self, lrs):
        good = [xapi() for _ in range(30)]
        bad = [xapi(actor={}), xapi(verb={"id": "no iri"}, actor={})]
        batch = [event(each, offset=place) for place, each in enumerate([*good[:10], bad[0], *good[10:], bad[1]])]
        delivery = given_sink(lrs.config).deliver(batch)
        assert delivery[:4] == (30, 0, 0, 2)
        assert [refusal.position.offset for refusal in delivery.refusals] == [10, 31]
        for refusal, statement in zip(delivery.refusals, bad, strict=True):
            assert (refusal.reason, refusal.statement_id) == ("invalid", statement.id)
            assert refusal.status in {400, 422}
            assert "actor" in refusal.fields[0]
            assert refusal.text == statement.text
            assert refusal.answer
        ids = {each.id for each in good}
        assert {statement["id"] for statement in lrs.stored({*ids, *(each.id for each in bad)})} == ids

    def test_statements_beside_conflicts_are_stored(self, lrs):
        """Upstream counts 409 as a success and loses these statements."""
        sink = given_sink(lrs.config)
        stored, new = [xapi() for _ in range(3)], [xapi() for _ in range(20)]
        sink.deliver([event(each) for each in stored])
        differing = [xapi(id=each.id, result={"completion": True}) for each in stored[:2]]
        batch = [event(each) for each in [*new[:9], differing[0], stored[2], *new[9:], differing[1]]]
        delivery = sink.deliver(batch)
        assert [refusal.statement_id for refusal in delivery.refusals] == [each.id for each in differing]
        assert {(refusal.reason, refusal.status) for refusal in delivery.refusals} == {("conflict", 409)}
        assert delivery.failed == 2
        assert delivery.delivered + delivery.duplicate == 21
        assert len(lrs.stored({each.id for each in new})) == 20
        assert not any("result" in statement for statement in lrs.stored({each.id for each in stored}))

    def test_same_statement_beside_a_conflict_is_a_duplicate(self, lrs):
        sink = given_sink(lrs.config)
        stored, identical = xapi(), xapi()
        sink.deliver([event(stored), event(identical)])
        differing = xapi(id=stored.id, result={"completion": True})
        assert sink.deliver([event(identical), event(differing), event(xapi())]).outcomes == [
            "duplicate",
            "failed",
            "delivered",
        ]

    def test_concurrent_requests_store_the_same(self, lrs):
        batch = batch_of(300)
        assert given_sink({**lrs.config, "lrs_concurrency": 4}).deliver(batch)[:4] == (300, 0, 0, 0)
        assert len(lrs.stored({each.statements[0].id for each in batch})) == 300

    def test_compression_is_not_used_again_after_a_refusal(self, lrs):
        sink = given_sink({**lrs.config, "compression": "gzip"})
        for _ in range(2):
            batch = batch_of(3)
            assert sink.deliver(batch).delivered == 3
            assert len(lrs.stored({each.statements[0].id for each in batch})) == 3
        body = gzip.compress(b"[" + xapi().text + b"]")
        headers = {
            "X-Experience-API-Version": "1.0.3",
            "Content-Encoding": "gzip",
            "Content-Type": "application/json",
        }
        answer = requests.post(
            f"{lrs.url}/statements", data=body, headers=headers, auth=(lrs.username, lrs.password), timeout=10
        )
        assert answer.status_code in {400, 500}
