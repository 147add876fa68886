"""Checks of an LRS before the run, and their messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.sinks.lrs.routes import Route
from tests.support.lrs_sinks import given_sink, sink_of
from tests.support.scripted_server import LrsResponse, ScriptedServer
from tests.support.statement_batches import batch_of


def test_check_sends_no_statement(server):
    given_sink({"url": server.url}).check()
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/xAPI/about")


def test_check_of_caliper_accepts_403(server):
    server.script = [LrsResponse(403)]
    given_sink({"url": server.url}, "caliper").check()
    assert [asked.method for asked in server.asked] == ["HEAD"]


def test_url_of_a_caliper_endpoint_may_contain_a_query(server):
    given_sink({"url": f"{server.url}?a=b"}, "caliper").check()
    assert [asked.path for asked in server.asked] == ["/xAPI?a=b"]


@pytest.mark.parametrize("status", [200, 302, 404, 405, 500])
def test_check_accepts_any_other_status(server, status):
    server.script = [LrsResponse(status)]
    given_sink({"url": server.url}).check()


@pytest.mark.parametrize("status", [401, 403])
def test_check_reports_wrong_credentials(server, status):
    server.script = [LrsResponse(status)]
    with pytest.raises(ConfigurationError, match="credentials"):
        given_sink({"url": server.url, "token": "t0ken"}).check()


def test_check_reports_a_refused_connection(server):
    server.stop()
    with pytest.raises(ConfigurationError, match="connection refused"):
        given_sink({"url": server.url}).check()


def test_check_reports_an_unknown_host():
    with pytest.raises(ConfigurationError, match=r"no-such-host\.invalid/xAPI: its host name is not known"):
        given_sink({"url": "http://no-such-host.invalid/xAPI"}).check()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"url": "lrs.example.com/xAPI"}, "not a URL of an LRS"),
        ({"url": "ftp://lrs.example.com"}, "not a URL of an LRS"),
        ({"url": "http://"}, "not a URL of an LRS"),
        ({"url": "http://lrs:99999/"}, "not a URL of an LRS"),
        ({"url": "http://[lrs/"}, "not a URL of an LRS"),
        ({"url": "http://lrs/xAPI?key=s3cret"}, r"the URL contains a query \(remove"),
        ({"url": "http://lrs/xAPI#s3cret"}, r"the URL contains a fragment \(remove"),
        ({"url": "http://ada:s3cret@lrs/xAPI"}, "the URL contains credentials"),
        ({"url": "http://lrs/", "token": "s3cret\r\nX: y"}, "Authorization has an invalid value"),
        ({"url": "http://lrs/", "token": "s3cret€"}, "Authorization has an invalid value"),
    ],
)
def test_check_reports_invalid_routes_without_secrets(config, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        given_sink(config).check()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"username": "a", "password": "b"}, "the setting url of LRS is missing"),
        ({"url": 3}, "value that is not a text, or empty: url"),
        ({"url": "http://lrs", "user": "a", "pass": "b"}, "unknown settings of LRS: pass, user"),
        ({"url": "http://lrs", "username": "a"}, "username and password together"),
        (
            {"url": "http://lrs", "username": "a", "password": "b", "token": "c"},
            "username and password together",
        ),
        ({"url": "http://lrs", "timeout_seconds": 0}, "timeout_seconds"),
        ({"url": "http://lrs", "timeout_seconds": "60"}, "timeout_seconds"),
    ],
)
def test_invalid_configuration_is_an_error(config, message):
    with pytest.raises(ConfigurationError, match=message):
        given_sink(config)


def test_shown_url_and_repr_contain_no_secret():
    route = Route("https://lrs.example.com/x?key=s3cret", "Bearer s3cret", headers={"X-Key": "s3cret"})
    assert route.shown == "https://lrs.example.com/x"
    assert "s3cret" not in repr(route).replace(route.url, "")


@pytest.fixture
def self_signed(tmp_path):
    """Create a self-signed certificate for 127.0.0.1, and return a file with it and its key."""
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


def test_untrusted_certificate_is_reported_with_its_hint(self_signed, monkeypatch):
    with ScriptedServer(certificate=self_signed) as server:
        route = Route(server.url.replace("http:", "https:"), "Bearer t0ken")
        with pytest.raises(ConfigurationError, match=r"its TLS certificate is not trusted \(set REQUESTS_CA_BUNDLE"):
            sink_of(route).check()
        with pytest.raises(DestinationUnavailable, match=r"not trusted \(set REQUESTS_CA_BUNDLE"):
            sink_of(route).deliver(batch_of(1))
        assert server.asked == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(self_signed))
        assert sink_of(route).deliver(batch_of(1)).delivered == 1


@pytest.mark.parametrize("variable", ["", "/etc/hostname"])
def test_verify_setting_overrides_the_environment(self_signed, monkeypatch, variable, caplog):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", variable)
    with ScriptedServer(certificate=self_signed) as server:
        url = server.url.replace("http:", "https:")
        for verify in (False, str(self_signed)):
            sink = given_sink({"url": url, "verify": verify})
            sink.check()
            assert sink.deliver(batch_of(1)).delivered == 1
