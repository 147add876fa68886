from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sinks.scripted_server import Answer, ScriptedServer
from sinks.statement_batches import batch_of, caliper, event, texts, xapi

from log_replay.errors import ConfigurationError, DestinationLost
from log_replay.records import ALL_ROUTES, Delivery
from log_replay.sinks import open_sink
from log_replay.sinks.lrs import LrsSink
from log_replay.sinks.lrs_settings import LrsSettings
from log_replay.sinks.retries import Patience
from log_replay.sinks.routes import Route

HASTY = Patience(retries=2, first_pause_seconds=0.001)


def sink_of(*routes: Route, transformer_type: str = "xapi", patience: Patience = HASTY, **more) -> LrsSink:
    return LrsSink(routes, transformer_type=transformer_type, patience=patience, settings=LrsSettings(**more))


def given_sink(config, transformer_type="xapi") -> LrsSink:
    return open_sink("LRS", config, transformer_type=transformer_type, key="0" * 12)


@pytest.fixture
def other_server():
    with ScriptedServer() as running:
        yield running


class TestRequest:
    """What an endpoint is sent."""

    def test_xapi_is_posted_as_one_array_of_the_statements_own_bytes(self, server):
        batch = batch_of(3)
        given_sink({"url": server.url, "username": "ada", "password": "pä:ss"}).deliver(batch)
        (posted,) = server.asked
        assert (posted.method, posted.path) == ("POST", "/xAPI/statements")
        assert posted.body == b"[" + b",".join(texts(batch)) + b"]"
        assert posted.headers["X-Experience-API-Version"] == "1.0.3"
        assert posted.headers["Content-Type"] == "application/json"
        assert posted.headers["Authorization"] == "Basic YWRhOnDDpDpzcw=="

    def test_the_url_may_end_with_a_slash(self, server):
        given_sink({"url": f"{server.url}/"}).deliver(batch_of(1))
        assert server.asked[0].path == "/xAPI/statements"

    @pytest.mark.parametrize("name", ["token", "auth_key"])
    def test_a_token_is_sent_as_bearer(self, server, name):
        given_sink({"url": server.url, name: "t0ken"}).deliver(batch_of(1))
        assert server.asked[0].headers["Authorization"] == "Bearer t0ken"

    def test_without_credentials_none_are_sent_not_even_those_of_netrc(self, server, monkeypatch, tmp_path):
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password secret")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        given_sink({"url": server.url}).deliver(batch_of(1))
        assert "Authorization" not in server.asked[0].headers

    def test_caliper_is_posted_to_the_url_itself_with_the_routes_headers(self, server):
        batch = [event(caliper()), event(caliper())]
        route = Route(f"{server.url}?a=b", "Bearer t0ken", headers={"X-Sensor": "lms", "Authorization": "no"})
        sink_of(route, transformer_type="caliper").deliver(batch)
        (posted,) = server.asked
        assert posted.path == "/xAPI?a=b"
        assert json.loads(posted.body) == [json.loads(text) for text in texts(batch)]
        assert posted.headers["X-Sensor"] == "lms"
        assert posted.headers["Authorization"] == "Bearer t0ken"
        assert "X-Experience-API-Version" not in posted.headers

    def test_the_connection_is_kept(self, server):
        sink = given_sink({"url": server.url})
        for _ in range(3):
            sink.deliver(batch_of(1))
        assert (len(server.posted), server.connections) == (3, 1)

    def test_nothing_is_posted_for_a_batch_without_statements(self, server):
        assert given_sink({"url": server.url}).deliver([event()]) == Delivery()
        assert server.asked == []

    def test_what_a_route_overrides_replaces_top_level_fields(self, server):
        statement = xapi(result={"score": {"raw": 2**70}})
        override = {"actor": {"name": "overridden ü"}, "new": None}
        sink_of(Route(server.url, override=override)).deliver([event(statement)])
        assert json.loads(server.asked[0].body) == [{**json.loads(statement.text), **override}]


class TestAnswer:
    """What an endpoint's answers mean."""

    @pytest.mark.parametrize("answer", [Answer(200, body=b'["id"]'), Answer(200, body=b"[]"), Answer(204, body=b"")])
    def test_success_is_delivered(self, server, answer):
        server.script = [answer]
        assert given_sink({"url": server.url}).deliver(batch_of(2)) == Delivery(delivered=2)

    def test_caliper_endpoints_may_answer_anything_with_success(self, server):
        server.script = [Answer(202, body=b"accepted")]
        sink = given_sink({"url": server.url}, "caliper")
        assert sink.deliver([event(caliper())]) == Delivery(delivered=1)

    @pytest.mark.parametrize(
        ("status", "reason", "hint"),
        [
            (400, "invalid", "not valid there"),
            (413, "too_large", "--batch_size"),
            (422, "invalid", "not valid there"),
            (418, "refused", "does not take"),
        ],
    )
    def test_a_statement_that_is_refused_is_failed_and_the_next_is_sent(self, server, status, reason, hint):
        server.script = [Answer(status, body=b'{"error": "ada@example.com is no agent"}'), Answer(200)]
        sink = given_sink({"url": server.url})
        failed = sink.deliver(batch_of(1))
        assert failed[:4] == (0, 0, 0, 1)
        assert failed.failure.startswith(f"send {server.url}: it answered {status} ")
        assert hint in failed.failure
        assert "ada@example.com" not in failed.failure
        assert [refusal.reason for refusal in failed.refusals] == [reason]
        assert sink.deliver(batch_of(1)) == Delivery(delivered=1)

    def test_a_batch_that_is_stored_whole_under_partial_success_is_delivered(self, server):
        server.script = [Answer(200, body=b'{"inserted": 2, "rejected": 0, "ids": ["a", "b"], "errors": []}')]
        assert given_sink({"url": server.url}).deliver(batch_of(2)).delivered == 2

    @pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"{}", b'"ok"', b"", b'["id'])
    def test_a_success_that_is_no_lrs_s_is_tried_again_and_then_ends_the_run(self, server, body):
        """It may be a proxy's page, or cut off; what it says of the statements is nothing."""
        server.script = [Answer(200, body=body)]
        with pytest.raises(DestinationLost, match=r"not as an LRS does.*\(3 attempts\)"):
            sink_of(Route(server.url)).deliver(batch_of(1))

    @pytest.mark.parametrize(
        ("status", "hint"),
        [(401, "credentials"), (403, "may not write"), (404, "URL"), (405, "URL"), (410, "URL"), (415, "JSON")],
    )
    def test_what_no_batch_can_pass_ends_the_run(self, server, status, hint):
        server.script = [Answer(status)]
        with pytest.raises(DestinationLost, match=rf"it answered {status} .*\(.*{hint}"):
            given_sink({"url": server.url}).deliver(batch_of(1))
        assert len(server.asked) == 1

    def test_a_redirection_is_not_followed(self, server, other_server):
        server.script = [Answer(307, {"Location": f"http://localhost:{other_server.port}/xAPI/statements?t=secret"})]
        with pytest.raises(DestinationLost, match="307 Temporary Redirect, a redirection to localhost") as caught:
            given_sink({"url": server.url, "token": "t0ken"}).deliver(batch_of(1))
        assert "secret" not in str(caught.value)
        assert other_server.asked == []


class TestRetries:
    """What is tried again, and until when."""

    @pytest.mark.parametrize(
        "trouble",
        [Answer(408), Answer(429), Answer(500), Answer(502), Answer(503), Answer(504), Answer(reset=True)],
        ids=lambda answer: str(answer.status if not answer.reset else "reset"),
    )
    def test_what_may_pass_is_sent_again(self, server, trouble):
        server.script = [trouble, trouble, Answer(200)]
        batch = batch_of(2)
        assert sink_of(Route(server.url)).deliver(batch) == Delivery(delivered=2)
        assert {asked.body for asked in server.asked} == {b"[" + b",".join(texts(batch)) + b"]"}
        assert len(server.asked) == 3

    def test_a_late_answer_is_sent_again(self, server):
        server.script = [Answer(delay_seconds=1), Answer(200)]
        assert sink_of(Route(server.url), timeout_seconds=0.2).deliver(batch_of(1)).delivered == 1

    @pytest.mark.parametrize("spelling", ["seconds", "date"])
    def test_retry_after_is_honoured(self, server, spelling):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        server.script = [Answer(429, {"Retry-After": "1" if spelling == "seconds" else date}), Answer(200)]
        sink_of(Route(server.url)).deliver(batch_of(1))
        first, second = server.asked
        assert second.moment - first.moment >= 0.9

    def test_retry_after_is_capped(self, server):
        server.script = [Answer(503, {"Retry-After": "86400"}), Answer(200)]
        patience = Patience(retries=1, first_pause_seconds=0.001, longest_retry_after_seconds=0.01)
        started = time.monotonic()
        sink_of(Route(server.url), patience=patience).deliver(batch_of(1))
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize("value", ["soon", "-5", "", "Mon, 99 Foo"])
    def test_a_senseless_retry_after_is_ignored(self, server, value):
        server.script = [Answer(503, {"Retry-After": value}), Answer(200)]
        assert sink_of(Route(server.url)).deliver(batch_of(1)).delivered == 1

    @pytest.mark.parametrize(
        ("trouble", "reason"),
        [(Answer(503), "it answered 503 Service Unavailable"), (Answer(reset=True), "the connection broke")],
        ids=["503", "reset"],
    )
    def test_what_does_not_pass_ends_the_run(self, server, trouble, reason):
        server.script = [trouble]
        with pytest.raises(DestinationLost, match=rf"{reason} \(3 attempts\)"):
            sink_of(Route(server.url)).deliver(batch_of(1))

    def test_a_refused_connection_ends_the_run(self, server):
        server.stop()
        with pytest.raises(DestinationLost, match=r"connection refused \(3 attempts\)"):
            sink_of(Route(server.url)).deliver(batch_of(1))

    def test_no_answer_ends_the_run(self, server):
        server.script = [Answer(delay_seconds=0.3)]
        with pytest.raises(DestinationLost, match="no answer in time"):
            sink_of(Route(server.url), timeout_seconds=0.05).deliver(batch_of(1))


@pytest.fixture
def self_signed(tmp_path):
    """Make a certificate for 127.0.0.1 that nobody vouches for; return it with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return path


def test_a_certificate_that_is_not_trusted_ends_the_run_at_once(self_signed, monkeypatch):
    with ScriptedServer(certificate=self_signed) as server:
        route = Route(server.url.replace("http:", "https:"), "Bearer t0ken")
        with pytest.raises(ConfigurationError, match="its TLS certificate is not trusted"):
            sink_of(route).check()
        with pytest.raises(DestinationLost, match=r"not trusted \(set REQUESTS_CA_BUNDLE"):
            sink_of(route).deliver(batch_of(1))
        assert server.asked == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(self_signed))
        assert sink_of(route).deliver(batch_of(1)).delivered == 1


@pytest.mark.parametrize("variable", ["", "/etc/hostname"])
def test_verification_can_be_switched_off_or_given_a_certificate(self_signed, monkeypatch, variable, caplog):
    """Whatever the environment says."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", variable)
    with ScriptedServer(certificate=self_signed) as server:
        url = server.url.replace("http:", "https:")
        for verify in (False, str(self_signed)):
            sink = given_sink({"url": url, "verify": verify})
            sink.check()
            assert sink.deliver(batch_of(1)).delivered == 1


class TestSeveralRoutes:
    """Which route gets what, and what counts as what."""

    def test_each_route_gets_what_it_wants(self, server, other_server):
        batch = [event(xapi(), routes=routes) for routes in (0b00, 0b01, 0b10, 0b11, ALL_ROUTES)]
        delivery = sink_of(Route(server.url), Route(other_server.url)).deliver(batch)
        ids = [each.statements[0].id for each in batch]
        assert [s["id"] for s in json.loads(server.asked[0].body)] == [ids[1], ids[3], ids[4]]
        assert [s["id"] for s in json.loads(other_server.asked[0].body)] == [ids[2], ids[3], ids[4]]
        assert delivery[:4] == (4, 0, 1, 0)
        assert delivery.outcomes == ["unrouted", "delivered", "delivered", "delivered", "delivered"]

    def test_routes_are_bits_in_order(self, server):
        wants = [True, False, True]
        sink = sink_of(*(Route(server.url, allows=lambda fields, want=want: want) for want in wants))
        assert sink.routes({"name": "some.event"}) == 0b101

    def test_repeated_ids_are_sent_once(self, server):
        statement = xapi()
        delivery = sink_of(Route(server.url)).deliver([event(statement, statement), event(statement), event(xapi())])
        assert len(json.loads(server.asked[0].body)) == 2
        assert delivery[:4] == (2, 2, 0, 0)
        assert delivery.outcomes == ["delivered", "duplicate", "duplicate", "delivered"]

    def test_a_repeat_for_another_route_is_delivered_there(self, server, other_server):
        statement = xapi()
        batch = [event(statement, routes=0b01), event(statement, routes=0b11)]
        delivery = sink_of(Route(server.url), Route(other_server.url)).deliver(batch)
        assert delivery[:4] == (2, 0, 0, 0)
        assert len(json.loads(server.asked[0].body)) == len(json.loads(other_server.asked[0].body)) == 1

    def test_an_overridden_id_is_the_one_that_repeats(self, server):
        delivery = sink_of(Route(server.url, override={"id": "x"})).deliver(batch_of(3))
        assert delivery[:4] == (1, 2, 0, 0)

    def test_an_id_repeated_with_other_content_is_a_conflict(self, server):
        first, differing = xapi(), xapi(result={"completion": True})
        batch = [event(first), event(differing._replace(id=first.id), offset=700)]
        delivery = sink_of(Route(server.url)).deliver(batch)
        assert delivery.outcomes == ["delivered", "failed"]
        assert [(refusal.reason, refusal.position.offset) for refusal in delivery.refusals] == [("conflict", 700)]

    def test_what_one_route_refuses_is_failed(self, server, other_server):
        server.script = [Answer(400)]
        batch = [event(xapi(), routes=0b11), event(xapi(), routes=0b10)]
        delivery = sink_of(Route(server.url), Route(other_server.url)).deliver(batch)
        assert delivery.outcomes == ["failed", "delivered"]

    def test_a_lost_route_stops_no_other(self, server, other_server):
        """It gets no more, and what it misses is listed."""
        server.script = [Answer(401)]
        sink = sink_of(Route(server.url), Route(other_server.url))
        for count in (1, 2):
            batch = [event(xapi(), routes=0b11), event(xapi(), routes=0b10)]
            delivery = sink.deliver(batch)
            assert delivery.outcomes == ["failed", "delivered"]
            assert [(refusal.reason, refusal.destination) for refusal in delivery.refusals] == [
                ("destination_lost", server.url)
            ]
            assert "401 Unauthorized" in delivery.failure
            assert (len(server.posted), len(other_server.posted)) == (1, count)

    def test_routes_are_sent_to_at_the_same_time(self, server, other_server):
        server.script = other_server.script = [Answer(delay_seconds=0.5)]
        started = time.monotonic()
        sink_of(Route(server.url), Route(other_server.url)).deliver(batch_of(1))
        assert time.monotonic() - started < 0.95

    def test_the_last_route_to_be_lost_ends_the_run(self, server, other_server):
        server.script, other_server.script = [Answer(401)], [Answer(200), Answer(404)]
        sink = sink_of(Route(server.url), Route(other_server.url))
        assert sink.deliver(batch_of(1)).failed == 1
        with pytest.raises(DestinationLost, match=other_server.url):
            sink.deliver(batch_of(1))

    def test_all_lost_routes_are_named(self, server, other_server):
        server.script = other_server.script = [Answer(401)]
        with pytest.raises(DestinationLost, match=rf"{server.url}.*{other_server.url}"):
            sink_of(Route(server.url), Route(other_server.url)).deliver(batch_of(1))


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    routes=st.lists(st.integers(min_value=-1, max_value=3), max_size=12),
    ids=st.lists(st.sampled_from("abc"), min_size=12, max_size=12),
    statuses=st.tuples(st.sampled_from([200, 400]), st.sampled_from([200, 400])),
)
def test_every_statement_is_counted_once(server, other_server, routes, ids, statuses):
    server.script, other_server.script = ([Answer(status)] for status in statuses)
    batch = [event(xapi(id=id_), routes=bits) for id_, bits in zip(ids, routes, strict=False)]
    delivery = sink_of(Route(server.url), Route(other_server.url)).deliver(batch)
    counts = dict(zip(Delivery._fields[:4], delivery[:4], strict=True))
    assert sum(counts.values()) == len(batch)
    assert not delivery.outcomes or +Counter(counts) == Counter(delivery.outcomes)
    assert delivery.failed == 0 or delivery.failure


class TestCheck:
    """What is found out before anything is read."""

    def test_it_asks_without_sending(self, server):
        given_sink({"url": server.url}).check()
        (asked,) = server.asked
        assert (asked.method, asked.path) == ("GET", "/xAPI/about")

    def test_it_asks_a_caliper_endpoint_for_no_more_than_an_answer(self, server):
        server.script = [Answer(403)]
        given_sink({"url": server.url}, "caliper").check()
        assert [asked.method for asked in server.asked] == ["HEAD"]

    @pytest.mark.parametrize("status", [200, 302, 404, 405, 500])
    def test_any_answer_is_a_sign_of_life(self, server, status):
        server.script = [Answer(status)]
        given_sink({"url": server.url}).check()

    @pytest.mark.parametrize("status", [401, 403])
    def test_wrong_credentials_are_found(self, server, status):
        server.script = [Answer(status)]
        with pytest.raises(ConfigurationError, match="credentials"):
            given_sink({"url": server.url, "token": "t0ken"}).check()

    def test_a_refused_connection_is_found(self, server):
        server.stop()
        with pytest.raises(ConfigurationError, match="connection refused"):
            given_sink({"url": server.url}).check()

    def test_an_unknown_host_is_found(self):
        with pytest.raises(ConfigurationError, match=r"no-such-host\.invalid/xAPI: its host name is not known"):
            given_sink({"url": "http://no-such-host.invalid/xAPI"}).check()

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ({"url": "lrs.example.com/xAPI"}, "no URL of an LRS"),
            ({"url": "ftp://lrs.example.com"}, "no URL of an LRS"),
            ({"url": "http://"}, "no URL of an LRS"),
            ({"url": "http://lrs:99999/"}, "no URL of an LRS"),
            ({"url": "http://[lrs/"}, "no URL of an LRS"),
            ({"url": "http://ada:s3cret@lrs/xAPI"}, "the URL holds credentials"),
            ({"url": "http://lrs/", "token": "s3cret\r\nX: y"}, "Authorization has a value that cannot be sent"),
            ({"url": "http://lrs/", "token": "s3cret€"}, "Authorization has a value that cannot be sent"),
        ],
    )
    def test_what_cannot_be_sent_is_found_and_says_no_secret(self, config, message):
        with pytest.raises(ConfigurationError, match=message) as caught:
            given_sink(config).check()
        assert "s3cret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ({"username": "a", "password": "b"}, "needs a text as url"),
            ({"url": 3}, "needs a text as url"),
            ({"url": "http://lrs", "user": "a", "pass": "b"}, "does not know pass, user"),
            ({"url": "http://lrs", "username": "a"}, "needs username and password"),
            ({"url": "http://lrs", "username": "a", "password": "b", "token": "c"}, "needs username and password"),
            ({"url": "http://lrs", "timeout_seconds": 0}, "timeout_seconds"),
            ({"url": "http://lrs", "timeout_seconds": "60"}, "timeout_seconds"),
        ],
    )
    def test_a_configuration_that_cannot_be_right_is_refused_at_once(self, config, message):
        with pytest.raises(ConfigurationError, match=message):
            given_sink(config)


def test_secrets_are_in_no_repr_and_query_strings_in_no_message():
    route = Route("https://lrs.example.com/x?key=s3cret", "Bearer s3cret", headers={"X-Key": "s3cret"})
    assert route.shown == "https://lrs.example.com/x"
    assert "s3cret" not in repr(route).replace(route.url, "")


class TestRealLrs:
    """What Ralph and Learning Locker's core really answer."""

    @pytest.fixture(params=["ralph", "learning_locker"])
    def lrs(self, request):
        return request.getfixturevalue(request.param)

    def test_wrong_credentials_end_the_run(self, lrs):
        sink = given_sink({**lrs.config, "password": "wrong"})
        with pytest.raises(DestinationLost, match=r"401 Unauthorized|403 Forbidden"):
            sink.deliver(batch_of(1))

    def test_a_batch_that_is_there_already_is_delivered(self, lrs):
        sink = given_sink(lrs.config)
        batch = batch_of(5)
        assert [sink.deliver(batch).delivered for _ in range(2)] == [5, 5]
        assert len(lrs.stored({each.statements[0].id for each in batch})) == 5

    def test_a_large_batch_arrives_whole(self, lrs):
        batch = batch_of(1000)
        assert given_sink(lrs.config).deliver(batch) == Delivery(delivered=1000)
        assert len(lrs.stored({each.statements[0].id for each in batch})) == 1000
