"""Outputs in a bucket. A scripted server plays an S3 server with faults."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import requests

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.retry import RetryPolicy
from log_replay.sinks import open_sink
from log_replay.sinks.files.bucket import Bucket
from log_replay.sinks.files.sink import FileSink
from log_replay.storage.drivers import open_driver
from tests.support.outputs import KEY, output_name, server_config
from tests.support.scripted_server import LrsResponse
from tests.support.statement_batches import batch_of, texts

HASTY = RetryPolicy(retries=2, first_delay_seconds=0.001)


def bucket(server, provider="MINIO", retry_policy=HASTY, read_timeout_seconds=60, **more):
    config = {**server_config(server), "container": "logs", **more}
    driver, _ = open_driver(provider, config, side="destination", read_timeout_seconds=read_timeout_seconds)
    return Bucket(driver, "logs", provider=provider, retry_policy=retry_policy)


def sink(server, **how):
    return FileSink(bucket(server, **how), transformer_type="xapi", key=KEY)


def stored(content: bytes) -> LrsResponse:
    return LrsResponse(200, {"ETag": f'"{hashlib.md5(content).hexdigest()}"'}, b"")


@pytest.mark.parametrize(
    "trouble",
    [
        LrsResponse(503),
        LrsResponse(500, body=b"<Error/>"),
        LrsResponse(429, {"Retry-After": "0"}),
        LrsResponse(reset=True),
    ],
    ids=["503", "500", "429", "reset"],
)
def test_temporary_error_is_retried(server, trouble):
    batch = batch_of(1)
    server.script = [LrsResponse(200), trouble, stored(texts(batch)[0] + b"\n")]
    assert sink(server).deliver(batch).delivered == 1
    puts = [asked for asked in server.asked if asked.method == "PUT"]
    assert [asked.body for asked in puts] == [texts(batch)[0] + b"\n"] * 2


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs files without a name: run it on Linux")
def test_temporary_file_of_an_upload_has_no_name(server, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    content = b"statement\n" * 100_000
    server.script = [LrsResponse(200), LrsResponse(503), stored(content)]
    with bucket(server).replacing("x.log") as file:
        file.write(content)
        file.flush()
        assert list(tmp_path.iterdir()) == []
    puts = [asked for asked in server.asked if asked.method == "PUT"]
    assert [asked.body for asked in puts] == [content] * 2


def test_error_after_all_retries_is_destination_unavailable(server):
    server.script = [LrsResponse(200), LrsResponse(503)]
    with pytest.raises(DestinationUnavailable, match=r"write MINIO logs/xapi_.*503.*\(3 attempts\)"):
        sink(server).deliver(batch_of(1))


def test_object_stored_with_wrong_checksum_is_sent_again(server):
    batch = batch_of(1)
    server.script = [LrsResponse(200), stored(b"garbled"), LrsResponse(200), stored(texts(batch)[0] + b"\n")]
    assert sink(server).deliver(batch).delivered == 1


def test_check_reports_access_denied_without_secrets(server):
    server.script = [LrsResponse(403, body=b"<Error><StringToSign>topsecret</StringToSign></Error>")]
    with pytest.raises(ConfigurationError, match="access denied") as caught:
        sink(server).check()
    assert "topsecret" not in str(caught.value)


def test_check_reports_refused_connection(server):
    server.stop()
    with pytest.raises(ConfigurationError, match="find MINIO logs: connection refused"):
        sink(server).check()


def test_check_reports_bucket_of_another_region(server):
    server.script = [LrsResponse(301, {"x-amz-bucket-region": "eu-west-1"})]
    with pytest.raises(ConfigurationError, match=r'eu-west-1.*set "region"'):
        bucket(server, "S3", region="us-east-1").check("probe")


def test_check_reports_missing_container(s3):
    config = {**s3.config, "container": "missing-bucket"}
    with pytest.raises(ConfigurationError, match="the container does not exist"):
        open_sink("MINIO", config, transformer_type="xapi", key=KEY).check()


def test_container_deleted_during_a_run_ends_it(s3):
    sink = open_sink("MINIO", s3.config, transformer_type="xapi", key=KEY)
    sink.check()
    requests.delete(s3.url, timeout=30).raise_for_status()
    with pytest.raises(DestinationUnavailable, match="the container does not exist"):
        sink.deliver(batch_of(1))


def test_upload_without_a_response_times_out(server):
    server.script = [LrsResponse(200), LrsResponse(delay_seconds=0.5)]
    with pytest.raises(DestinationUnavailable, match="no answer in time"):
        sink(server, retry_policy=RetryPolicy(retries=0), read_timeout_seconds=0.1).deliver(batch_of(1))


def test_manifest_keeps_other_runs(s3):
    for key in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        sink = open_sink("S3", {**s3.config, "region": "us-east-1"}, transformer_type="xapi", key=key)
        sink.deliver(batch_of(1))
        sink.close(complete=True)
    runs = json.loads(s3.read("manifest.json"))["runs"]
    assert [run["key"] for run in runs] == ["aaaaaaaaaaaa", "bbbbbbbbbbbb"]


def test_prefix_with_special_characters_is_kept(s3):
    sink = open_sink("MINIO", {**s3.config, "prefix": "ü b+c/%41"}, transformer_type="xapi", key=KEY)
    sink.check()
    sink.deliver(batch_of(1))
    sink.close(complete=True)
    assert s3.names() == ["ü b+c/%41/manifest.json", f"ü b+c/%41/{output_name()}"]


@pytest.mark.parametrize(("nested", "found"), [(False, ["a/x_1"]), (True, ["a/b/x_2", "a/x_1"])])
def test_bucket_lists_and_deletes_its_objects(s3, nested, found):
    driver, _ = open_driver("MINIO", s3.config, side="destination", read_timeout_seconds=60)
    bucket = Bucket(driver, s3.container, provider="MINIO")
    for name in ("a/x_1", "a/b/x_2", "a/y_1", "x_1"):
        s3.write(name, b"content")
    assert bucket.names("a", "x_", nested=nested) == found
    assert "x_1" in bucket.names(".", "x_", nested=nested)
    bucket.delete("a/x_1")
    bucket.delete("a/x_1")
    assert "a/x_1" not in bucket.names("a", "x_", nested=nested)


def test_missing_temporary_folder_is_reported(server, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(DestinationUnavailable, match=r"temporary file in .*missing"):
        sink(server).deliver(batch_of(1))
