"""How the LRS sink sends (at once, compressed, at a pace) and what it finds out about batches that are refused."""

from __future__ import annotations

import gzip
import json
import threading
import time

import pytest
import requests

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.retry import RetryPolicy
from log_replay.sinks import open_sink
from log_replay.sinks.lrs.routes import Route
from log_replay.sinks.lrs.settings import LrsSettings
from log_replay.sinks.lrs.sink import LrsSink
from tests.support.interrupting import interrupted_after
from tests.support.scripted_server import LrsResponse, ScriptedServer
from tests.support.statement_batches import batch_of, caliper, event, texts, xapi

HASTY = RetryPolicy(retries=2, first_delay_seconds=0.001)


def sink_of(*routes: Route, transformer_type: str = "xapi", **settings) -> LrsSink:
    return LrsSink(routes, transformer_type=transformer_type, retry_policy=HASTY, settings=LrsSettings(**settings))


def given_sink(config, transformer_type="xapi") -> LrsSink:
    return open_sink("LRS", config, transformer_type=transformer_type, key="0" * 12)


def sent(asked) -> list[dict]:
    return [statement for each in asked for statement in json.loads(each.body)]


class Meeting(ScriptedServer):
    """Answers nobody before so many have asked."""

    def __init__(self, parties: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(parties)

    def next_answer(self, asked):
        self.barrier.wait(10)
        return super().next_answer(asked)


class TestConcurrency:
    """A batch in several requests at the same time."""

    def test_a_batch_is_sent_in_so_many_requests_at_once(self):
        with Meeting(3) as server:
            batch = batch_of(8)
            assert sink_of(Route(server.url), concurrency=3).deliver(batch)[:4] == (8, 0, 0, 0)
            assert sorted(len(json.loads(asked.body)) for asked in server.asked) == [2, 3, 3]
            assert {statement["id"] for statement in sent(server.asked)} == {each.statements[0].id for each in batch}

    def test_each_request_keeps_a_connection_of_its_own(self):
        with Meeting(3) as server:
            sink = sink_of(Route(server.url), concurrency=3)
            for _ in range(3):
                sink.deliver(batch_of(3))
            assert (len(server.asked), server.connections) == (9, 3)

    def test_outcomes_are_in_the_batch_s_order_whichever_request_ends_first(self, server):
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

    def test_an_interrupt_waits_for_no_answer(self, server):
        server.script = [LrsResponse(delay_seconds=5)]
        started = time.monotonic()
        with interrupted_after(0.3), pytest.raises(KeyboardInterrupt):
            sink_of(Route(server.url), concurrency=3).deliver(batch_of(3))
        assert time.monotonic() - started < 3

    def test_one_request_that_cannot_be_delivered_leaves_nothing_of_the_batch_delivered(self, server):
        server.script = [LrsResponse(200), LrsResponse(401)]
        with pytest.raises(DestinationUnavailable, match="401"):
            sink_of(Route(server.url), concurrency=2).deliver(batch_of(4))


class TestCompression:
    """Request bodies, where that is understood."""

    @staticmethod
    def understanding(server, status):
        """Take compressed bodies, or answer as an LRS that cannot read them."""

        def answer(asked):
            server.asked.append(asked)
            compressed = asked.headers.get("Content-Encoding") == "gzip"
            return LrsResponse(status if compressed else 200)

        server.next_answer = answer

    def test_it_is_sent_where_it_is_asked_for_and_understood(self, server):
        sink = given_sink({"url": server.url, "compression": "gzip"})
        batch = batch_of(20)
        assert sink.deliver(batch).delivered == 20
        (posted,) = server.asked
        assert posted.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(posted.body) == b"[" + b",".join(texts(batch)) + b"]"
        assert len(posted.body) * 4 < sum(map(len, texts(batch)))

    @pytest.mark.parametrize("status", [400, 415, 500])
    def test_an_endpoint_that_does_not_understand_it_is_not_sent_it_again(self, server, status):
        """Learning Locker answers 400, Ralph 500."""
        self.understanding(server, status)
        sink = sink_of(Route(server.url), compression="gzip")
        for _ in range(2):
            assert sink.deliver(batch_of(2)).delivered == 2
        assert [asked.headers.get("Content-Encoding") for asked in server.asked] == ["gzip", None, None]

    @pytest.mark.parametrize("status", [429, 503])
    def test_trouble_says_nothing_of_it(self, server, status):
        server.script = [LrsResponse(status), LrsResponse(200)]
        assert sink_of(Route(server.url), compression="gzip").deliver(batch_of(2)).delivered == 2
        assert {asked.headers.get("Content-Encoding") for asked in server.asked} == {"gzip"}

    def test_what_is_refused_later_is_not_blamed_on_it(self, server):
        server.script = [LrsResponse(200), LrsResponse(400)]
        sink = sink_of(Route(server.url), compression="gzip")
        sink.deliver(batch_of(1))
        assert sink.deliver(batch_of(1)).failed == 1
        assert len(server.asked) == 2

    def test_an_endpoint_that_says_that_it_understands_it_is_sent_it(self, server):
        server.script = [LrsResponse(200, {"Accept-Encoding": "br, gzip"})]
        sink = sink_of(Route(server.url))
        for _ in range(2):
            sink.deliver(batch_of(2))
        assert [asked.headers.get("Content-Encoding") for asked in server.asked] == [None, "gzip"]

    def test_no_other_is_known(self):
        with pytest.raises(ConfigurationError, match="gzip"):
            given_sink({"url": "http://lrs", "compression": "br"})


class TestPace:
    """How fast it sends."""

    def test_the_rate_is_kept_and_a_request_is_no_burst(self, server):
        started = time.monotonic()
        assert sink_of(Route(server.url), max_rate=20).deliver(batch_of(50)).delivered == 50
        assert time.monotonic() - started >= 2
        assert [len(json.loads(asked.body)) for asked in server.asked] == [20, 20, 10]

    def test_it_rests_after_trouble(self, server):
        server.script = [LrsResponse(429), LrsResponse(delay_seconds=0.2), LrsResponse()]
        sink = sink_of(Route(server.url))
        for _ in range(2):
            sink.deliver(batch_of(1))
        answered, after = server.asked[1].moment + 0.2, server.asked[2].moment
        assert after - answered >= 0.1


class TestAnswers:
    """What may be odd about an answer."""

    def test_an_answer_that_is_too_long_is_not_read(self, server):
        body = gzip.compress(b"[" + b" " * 200_000_000 + b"]")
        server.script = [LrsResponse(200, {"Content-Encoding": "gzip"}, body=body)]
        with pytest.raises(DestinationUnavailable, match="not as an LRS does"):
            sink_of(Route(server.url)).deliver(batch_of(1))

    @pytest.mark.parametrize("pause_seconds", [0, 30], ids=["cut off", "ceases"])
    def test_an_answer_that_ends_in_its_middle_says_nothing(self, server, monkeypatch, pause_seconds):
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

    def test_a_caliper_endpoint_is_never_asked_for_what_it_has(self, server):
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
def test_settings_that_cannot_be_right_are_refused(config, message):
    with pytest.raises(ConfigurationError, match=message):
        given_sink({"url": "http://lrs", **config})


class TestRealLrs:
    """What Ralph and Learning Locker's core really answer, and what comes of it."""

    @pytest.fixture(params=["ralph", "learning_locker"])
    def lrs(self, request):
        return request.getfixturevalue(request.param)

    def test_of_a_batch_with_invalid_statements_all_others_are_stored(self, lrs):
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

    def test_of_a_batch_with_conflicts_what_is_new_is_stored(self, lrs):
        """Upstream counts 409 as a success, and so loses it."""
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

    def test_an_identical_statement_beside_a_conflict_is_a_duplicate(self, lrs):
        sink = given_sink(lrs.config)
        stored, identical = xapi(), xapi()
        sink.deliver([event(stored), event(identical)])
        differing = xapi(id=stored.id, result={"completion": True})
        assert sink.deliver([event(identical), event(differing), event(xapi())]).outcomes == [
            "duplicate",
            "failed",
            "delivered",
        ]

    def test_at_once_it_stores_the_same(self, lrs):
        batch = batch_of(300)
        assert given_sink({**lrs.config, "lrs_concurrency": 4}).deliver(batch)[:4] == (300, 0, 0, 0)
        assert len(lrs.stored({each.statements[0].id for each in batch})) == 300

    def test_neither_takes_compressed_bodies_and_both_are_spared_them(self, lrs):
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
