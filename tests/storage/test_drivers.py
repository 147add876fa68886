"""Configurations that are made from URLs open libcloud's drivers with the right credentials."""

from __future__ import annotations

import base64
import json
from itertools import chain

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from libcloud.common.google import GoogleAuthType, GoogleServiceAcctAuthConnection
from libcloud.storage.drivers.google_storage import GoogleStorageConnection, GoogleStorageDriver
from libcloud.storage.drivers.s3 import S3StorageDriver

from log_replay.errors import ConfigurationError
from log_replay.options.places import destination_place, source_place
from log_replay.options.urls import SCHEMES
from log_replay.sources import open_source
from log_replay.storage.drivers import open_driver
from tests.support.servers import s3, s3_server

__all__ = ["s3", "s3_server"]

SECRET = base64.b64encode(b"a secret").decode()
AWS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": SECRET}


@pytest.fixture
def opened(monkeypatch):
    """Return a function that opens the driver for a URL, with these environment variables and no others."""
    for row in SCHEMES.values():
        for name in chain.from_iterable(row.variables.values()):
            monkeypatch.delenv(name, raising=False)

    def open_url(url, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        provider, config = destination_place(url, {})
        driver, location = open_driver(provider, config, "destination", 60)
        assert (location.container, location.prefix) == ("bucket", "2026/")
        return driver

    return open_url


def test_a_google_bucket_is_opened_with_an_hmac_key(opened):
    driver = opened("gs://bucket/2026/", GS_ACCESS_KEY_ID="GOOG1EXAMPLE", GS_SECRET_ACCESS_KEY=SECRET)
    connection = driver.connection
    assert (connection.user_id, connection.key) == ("GOOG1EXAMPLE", SECRET)
    assert connection.auth_type == GoogleAuthType.GCS_S3
    assert (connection.host, connection.secure) == ("storage.googleapis.com", True)


def test_a_google_bucket_is_opened_with_a_service_account(opened, monkeypatch, tmp_path):
    """libcloud asks Google for a token, which is answered here, and keeps it in the home folder."""
    token = {"access_token": "a token", "expire_time": "2999-01-01T00:00:00Z"}
    monkeypatch.setattr(GoogleServiceAcctAuthConnection, "get_new_token", lambda _self: token)
    monkeypatch.setenv("HOME", str(tmp_path))
    private_key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = tmp_path / "account.json"
    user = "replay@example.iam.gserviceaccount.com"
    account.write_text(json.dumps({"client_email": user, "private_key": private_key.decode()}))
    connection = opened("gs://bucket/2026/", GOOGLE_APPLICATION_CREDENTIALS=str(account)).connection
    assert connection.auth_type == GoogleAuthType.SA
    signer = connection.oauth2_credential.oauth2_conn
    assert (signer.user_id, signer.key) == (user, private_key.decode())
    assert connection.pre_connect_hook({}, {})[1] == {"Authorization": "Bearer a token"}


def test_an_azure_container_is_opened_with_the_account(opened):
    driver = opened("az://bucket/2026/", AZURE_STORAGE_ACCOUNT="account", AZURE_STORAGE_KEY=SECRET)
    connection = driver.connection
    assert (connection.host, connection.secure) == ("account.blob.core.windows.net", True)
    assert (connection.user_id, connection.key) == ("account", b"a secret")


def test_a_key_of_azure_that_is_not_base64_is_an_error(opened):
    with pytest.raises(ConfigurationError, match="AZURE_BLOBS destination does not accept its options") as caught:
        opened("az://bucket/2026/", AZURE_STORAGE_ACCOUNT="account", AZURE_STORAGE_KEY="secret!")
    assert "secret!" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({"AWS_REGION": "eu-west-1"}, ("s3-eu-west-1.amazonaws.com", 443, True)),
        ({"AWS_ENDPOINT_URL": "http://store:9000"}, ("store", 9000, False)),
    ],
)
def test_an_s3_bucket_is_opened_at_its_address(opened, variables, address):
    connection = opened("s3://bucket/2026/", AWS_SESSION_TOKEN="a token", **AWS, **variables).connection
    assert (connection.host, connection.port, connection.secure) == address
    assert (connection.user_id, connection.key, connection.token) == ("id", SECRET, "a token")


def test_a_minio_bucket_is_opened_at_its_host(opened):
    variables = {"MINIO_ACCESS_KEY": "id", "MINIO_SECRET_KEY": SECRET}
    connection = opened("minio://store:9000/bucket/2026/?secure=no", **variables).connection
    assert (connection.host, connection.port, connection.secure) == ("store", 9000, False)
    assert (connection.user_id, connection.key) == ("id", SECRET)


def test_logs_of_a_google_bucket_are_read(monkeypatch, s3, sample_log):
    """Google's XML API is that of S3, which moto serves, with another namespace."""
    s3.write("2026/tracking.log", sample_log)
    monkeypatch.setattr(GoogleStorageConnection, "host", s3.host)
    monkeypatch.setattr(GoogleStorageDriver, "namespace", S3StorageDriver.namespace)
    monkeypatch.setattr(GoogleStorageDriver, "_ex_connection_class_kwargs", lambda _self: {"port": s3.port})
    monkeypatch.setenv("GS_ACCESS_KEY_ID", "GOOG1EXAMPLE")
    monkeypatch.setenv("GS_SECRET_ACCESS_KEY", SECRET)
    source = open_source(*source_place([f"gs://{s3.container}/2026?secure=no"], "", {}))
    (found,) = source.objects()
    assert (found.name, found.size_bytes) == (f"gs://{s3.container}/2026/tracking.log", len(sample_log))
    assert b"".join(source.read(found, 1000, 5000)) == sample_log[1000:5000]


def test_credentials_in_netrc_are_not_used(s3, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text(f"machine {s3.host} login ada password hunter2")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    s3.write("tracking.log", b"{}\n")
    sent = []
    send = requests.Session.send

    def recording(session, request, **how):
        sent.append(request.headers["Authorization"])
        return send(session, request, **how)

    monkeypatch.setattr(requests.Session, "send", recording)
    monkeypatch.setenv("MINIO_ACCESS_KEY", "id")
    monkeypatch.setenv("MINIO_SECRET_KEY", SECRET)
    source = open_source(*source_place([f"minio://{s3.host}:{s3.port}/{s3.container}/?secure=no"], "", {}))
    (found,) = source.objects()
    assert b"".join(source.read(found)) == b"{}\n"
    assert [authorization.split()[0] for authorization in sent] == ["AWS4-HMAC-SHA256"] * len(sent)
