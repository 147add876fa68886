"""Requests to an LRS, and the meaning of its responses."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from log_replay.errors import DestinationUnavailable
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.routes import Route
from tests.support.lrs_sinks import given_sink, sink_of
from tests.support.scripted_server import LrsResponse
from tests.support.statement_batches import batch_of, caliper, event, texts, xapi


class TestRequest:
    """Requests."""

    def test_xapi_is_posted_as_one_array_of_unchanged_bytes(self, server):
        batch = batch_of(3)
        given_sink({"url": server.url, "username": "ada", "password": "pä:ss"}).deliver(batch)
        (posted,) = server.asked
        assert (posted.method, posted.path) == ("POST", "/xAPI/statements")
        assert posted.body == b"[" + b",".join(texts(batch)) + b"]"
        assert posted.headers["X-Experience-API-Version"] == "1.0.3"
        assert posted.headers["Content-Type"] == "application/json"
        assert posted.headers["Authorization"] == "Basic YWRhOnDDpDpzcw=="

    def test_url_may_end_with_a_slash(self, server):
        given_sink({"url": f"{server.url}/"}).deliver(batch_of(1))
        assert server.asked[0].path == "/xAPI/statements"

    @pytest.mark.parametrize("name", ["token", "auth_key"])
    def test_token_is_sent_as_bearer(self, server, name):
        given_sink({"url": server.url, name: "t0ken"}).deliver(batch_of(1))
        assert server.asked[0].headers["Authorization"] == "Bearer t0ken"

    def test_credentials_in_netrc_are_not_used(self, server, monkeypatch, tmp_path):
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password secret")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        given_sink({"url": server.url}).deliver(batch_of(1))
        assert "Authorization" not in server.asked[0].headers

    def test_caliper_is_posted_to_the_url_with_the_routes_headers(self, server):
        batch = [event(caliper()), event(caliper())]
        route = Route(f"{server.url}?a=b", "Bearer t0ken", headers={"X-Sensor": "lms", "Authorization": "no"})
        sink_of(route, transformer_type="caliper").deliver(batch)
        (posted,) = server.asked
        assert posted.path == "/xAPI?a=b"
        assert json.loads(posted.body) == [json.loads(text) for text in texts(batch)]
        assert posted.headers["X-Sensor"] == "lms"
        assert posted.headers["Authorization"] == "Bearer t0ken"
        assert "X-Experience-API-Version" not in posted.headers

    def test_connection_is_kept(self, server):
        sink = given_sink({"url": server.url})
        for _ in range(3):
            sink.deliver(batch_of(1))
        assert (len(server.posted), server.connections) == (3, 1)

    def test_batch_without_statements_sends_no_request(self, server):
        assert given_sink({"url": server.url}).deliver([event()])[:4] == (0, 0, 0, 0)
        assert server.asked == []

    def test_override_replaces_top_level_fields(self, server):
        statement = xapi(result={"score": {"raw": 2**70}})
        override = {"actor": {"name": "overridden ü"}, "new": None}
        sink_of(Route(server.url, override=override)).deliver([event(statement)])
        assert json.loads(server.asked[0].body) == [{**json.loads(statement.text), **override}]


class TestResponse:
    """The meaning of responses."""

    @pytest.mark.parametrize("answer", [LrsResponse(200), LrsResponse(204, body=b"")])
    def test_success_is_delivered(self, server, answer):
        server.script = [answer]
        assert given_sink({"url": server.url}).deliver(batch_of(2))[:4] == (2, 0, 0, 0)

    def test_any_body_of_a_caliper_success_is_accepted(self, server):
        server.script = [LrsResponse(202, body=b"accepted")]
        sink = given_sink({"url": server.url}, "caliper")
        assert sink.deliver([event(caliper())])[:4] == (1, 0, 0, 0)

    @pytest.mark.parametrize(
        ("status", "reason", "hint"),
        [
            (400, "invalid", "finds invalid"),
            (413, "too_large", "--batch_size"),
            (422, "invalid", "finds invalid"),
            (418, "refused", "refuses"),
        ],
    )
    def test_refused_statement_fails_and_the_run_continues(self, server, status, reason, hint):
        server.script = [LrsResponse(status, body=b'{"error": "ada@example.com is no agent"}'), LrsResponse(200)]
        sink = given_sink({"url": server.url})
        failed = sink.deliver(batch_of(1))
        assert failed[:4] == (0, 0, 0, 1)
        (failure,) = failed.failures
        assert failure.startswith(f"send {server.url}: it answered {status} ")
        assert hint in failure
        assert "ada@example.com" not in failure
        assert [refusal.reason for refusal in failed.refusals] == [reason]
        assert sink.deliver(batch_of(1))[:4] == (1, 0, 0, 0)

    def test_partial_success_without_errors_is_delivered(self, server):
        server.script = [LrsResponse(200, body=b'{"inserted": 2, "rejected": 0, "ids": ["a", "b"], "errors": []}')]
        assert given_sink({"url": server.url}).deliver(batch_of(2)).delivered == 2

    @pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"{}", b'"ok"', b"", b'["id'])
    def test_success_without_an_lrs_body_is_retried(self, server, body):
        """It may be the page of a proxy, or incomplete: the statements may be stored or not."""
        server.script = [LrsResponse(200, body=body)]
        with pytest.raises(DestinationUnavailable, match=r"not as an LRS does.*\(3 attempts\)"):
            sink_of(Route(server.url)).deliver(batch_of(1))

    @pytest.mark.parametrize(
        ("status", "hint"),
        [(401, "credentials"), (403, "may not write"), (404, "URL"), (405, "URL"), (410, "URL"), (415, "JSON")],
    )
    def test_status_that_no_batch_can_pass_stops_the_run(self, server, status, hint):
        server.script = [LrsResponse(status)]
        with pytest.raises(DestinationUnavailable, match=rf"it answered {status} .*\(.*{hint}"):
            given_sink({"url": server.url}).deliver(batch_of(1))
        assert len(server.asked) == 1

    def test_redirection_is_not_followed(self, server, other_server):
        server.script = [
            LrsResponse(307, {"Location": f"http://localhost:{other_server.port}/xAPI/statements?t=secret"})
        ]
        with pytest.raises(
            DestinationUnavailable, match="307 Temporary Redirect, a redirection to localhost"
        ) as caught:
            given_sink({"url": server.url, "token": "t0ken"}).deliver(batch_of(1))
        assert "secret" not in str(caught.value)
        assert other_server.asked == []


class TestRetries:
    """Retries."""

    @pytest.mark.parametrize(
        "error",
        [
            LrsResponse(408),
            LrsResponse(429),
            LrsResponse(500),
            LrsResponse(502),
            LrsResponse(503),
            LrsResponse(504),
            LrsResponse(reset=True),
        ],
        ids=lambda answer: str(answer.status if not answer.reset else "reset"),
    )
    def test_temporary_errors_are_retried(self, server, error):
        server.script = [error, error, LrsResponse(200)]
        batch = batch_of(2)
        assert sink_of(Route(server.url)).deliver(batch)[:4] == (2, 0, 0, 0)
        assert {asked.body for asked in server.asked} == {b"[" + b",".join(texts(batch)) + b"]"}
        assert len(server.asked) == 3

    def test_late_response_is_retried(self, server):
        server.script = [LrsResponse(delay_seconds=10), LrsResponse(200)]
        assert sink_of(Route(server.url), timeout_seconds=2).deliver(batch_of(1)).delivered == 1

    @pytest.mark.parametrize("spelling", ["seconds", "date"])
    def test_retry_after_is_honoured(self, server, spelling):
        def overloaded_once(asked):
            server.asked.append(asked)
            if len(server.asked) > 1:
                return LrsResponse()
            in_two_seconds = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            return LrsResponse(429, {"Retry-After": "1" if spelling == "seconds" else in_two_seconds})

        server.next_answer = overloaded_once
        sink_of(Route(server.url)).deliver(batch_of(1))
        first, second = server.asked
        assert second.moment - first.moment >= 0.9

    def test_retry_after_is_capped(self, server):
        server.script = [LrsResponse(503, {"Retry-After": "86400"}), LrsResponse(200)]
        retry_policy = RetryPolicy(retries=1, first_delay_seconds=0.001, max_retry_after_seconds=0.01)
        started = time.monotonic()
        sink_of(Route(server.url), retry_policy=retry_policy).deliver(batch_of(1))
        assert time.monotonic() - started < 60

    @pytest.mark.parametrize("value", ["soon", "-5", "", "Mon, 99 Foo"])
    def test_invalid_retry_after_is_ignored(self, server, value):
        server.script = [LrsResponse(503, {"Retry-After": value}), LrsResponse(200)]
        assert sink_of(Route(server.url)).deliver(batch_of(1)).delivered == 1

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (LrsResponse(503), "it answered 503 Service Unavailable"),
            (LrsResponse(reset=True), "the connection broke"),
        ],
        ids=["503", "reset"],
    )
    def test_permanent_error_stops_the_run(self, server, error, reason):
        server.script = [error]
        with pytest.raises(DestinationUnavailable, match=rf"{reason} \(3 attempts\)"):
            sink_of(Route(server.url)).deliver(batch_of(1))

    def test_refused_connection_stops_the_run(self, server):
        server.stop()
        with pytest.raises(DestinationUnavailable, match=r"connection refused \(3 attempts\)"):
            sink_of(Route(server.url)).deliver(batch_of(1))

    def test_no_response_stops_the_run(self, server):
        server.script = [LrsResponse(delay_seconds=0.3)]
        with pytest.raises(DestinationUnavailable, match="no answer in time"):
            sink_of(Route(server.url), timeout_seconds=0.05).deliver(batch_of(1))


class TestRealLrs:
    """Ralph and Learning Locker's core."""

    @pytest.fixture(params=["ralph", "learning_locker"])
    def lrs(self, request):
        return request.getfixturevalue(request.param)

    def test_wrong_credentials_stop_the_run(self, lrs):
        sink = given_sink({**lrs.config, "password": "wrong"})
        with pytest.raises(DestinationUnavailable, match=r"401 Unauthorized|403 Forbidden"):
            sink.deliver(batch_of(1))

    def test_batch_that_is_already_stored_is_delivered(self, lrs):
        sink = given_sink(lrs.config)
        batch = batch_of(5)
        assert [sink.deliver(batch).delivered for _ in range(2)] == [5, 5]
        assert len(lrs.stored({each.statements[0].id for each in batch})) == 5

    def test_batch_of_a_thousand_arrives_complete(self, lrs):
        batch = batch_of(1000)
        assert given_sink(lrs.config).deliver(batch)[:4] == (1000, 0, 0, 0)
        assert len(lrs.stored({each.statements[0].id for each in batch})) == 1000
