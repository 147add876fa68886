"""Outputs in a bucket; the scripted server stands in for an S3 that misbehaves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import libcloud.common.exceptions
import libcloud.common.types
import libcloud.storage.types
import pytest
import requests

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.retry import RetryPolicy
from log_replay.sinks import open_sink
from log_replay.sinks.files.bucket import _FOREIGN, Bucket
from log_replay.sinks.files.sink import FileSink
from tests.support.outputs import KEY, server_config
from tests.support.scripted_server import LrsResponse
from tests.support.statement_batches import batch_of, texts

HASTY = RetryPolicy(retries=2, first_delay_seconds=0.001)


def sink(server, retry_policy=HASTY):
    bucket = Bucket("MINIO", server_config(server), "logs", retry_policy=retry_policy)
    return FileSink(bucket, transformer_type="xapi", key=KEY)


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
def test_what_may_pass_is_tried_again(server, trouble):
    batch = batch_of(1)
    server.script = [LrsResponse(200), trouble, stored(texts(batch)[0] + b"\n")]
    assert sink(server).deliver(batch).delivered == 1
    puts = [asked for asked in server.asked if asked.method == "PUT"]
    assert [asked.body for asked in puts] == [texts(batch)[0] + b"\n"] * 2


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs files without a name: run it on Linux")
def test_a_run_that_is_killed_leaves_no_file_behind(server, tmp_path, monkeypatch):
    """What an object is made of has no name while it is written and sent."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bucket = Bucket("MINIO", server_config(server), "logs", retry_policy=HASTY)
    content = b"statement\n" * 100_000
    server.script = [LrsResponse(200), LrsResponse(503), stored(content)]
    with bucket.replacing("x.log") as file:
        file.write(content)
        file.flush()
        assert list(tmp_path.iterdir()) == []
    puts = [asked for asked in server.asked if asked.method == "PUT"]
    assert [asked.body for asked in puts] == [content] * 2


def test_what_does_not_pass_ends_the_run(server):
    server.script = [LrsResponse(200), LrsResponse(503)]
    with pytest.raises(DestinationUnavailable, match=r"write MINIO logs/xapi_.*503.*\(3 attempts\)"):
        sink(server).deliver(batch_of(1))


def test_an_object_that_arrives_otherwise_than_it_was_sent_is_sent_again(server):
    batch = batch_of(1)
    server.script = [LrsResponse(200), stored(b"garbled"), LrsResponse(200), stored(texts(batch)[0] + b"\n")]
    assert sink(server).deliver(batch).delivered == 1


def test_access_denied_is_found_by_the_check_and_says_no_secret(server):
    server.script = [LrsResponse(403, body=b"<Error><StringToSign>topsecret</StringToSign></Error>")]
    with pytest.raises(ConfigurationError, match="access denied") as caught:
        sink(server).check()
    assert "topsecret" not in str(caught.value)


def test_a_refused_connection_is_found_by_the_check(server):
    server.stop()
    with pytest.raises(ConfigurationError, match="find MINIO logs: no connection"):
        sink(server).check()


def test_a_bucket_of_another_region_is_found_by_the_check(server):
    server.script = [LrsResponse(301, {"x-amz-bucket-region": "eu-west-1"})]
    bucket = Bucket("S3", {**server_config(server), "region": "us-east-1"}, "logs")
    with pytest.raises(ConfigurationError, match=r'eu-west-1.*set "region"'):
        bucket.check("probe")


@pytest.mark.parametrize(
    "module", [libcloud.common.exceptions, libcloud.common.types, libcloud.storage.types, requests.exceptions]
)
def test_every_error_of_libcloud_and_requests_is_translated(module):
    errors = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Exception)]
    untranslated = [each for each in errors if not issubclass(each, (*_FOREIGN, Warning))]
    assert [each for each in untranslated if each is not Exception] == []


def test_a_container_that_does_not_exist_is_found_by_the_check(s3):
    config = {**s3.config, "container": "missing-bucket"}
    with pytest.raises(ConfigurationError, match="the container does not exist"):
        open_sink("MINIO", config, transformer_type="xapi", key=KEY).check()


def test_a_container_that_vanishes_ends_the_run(s3):
    sink = open_sink("MINIO", s3.config, transformer_type="xapi", key=KEY)
    sink.check()
    requests.delete(s3.url, timeout=30).raise_for_status()
    with pytest.raises(DestinationUnavailable, match="the container does not exist"):
        sink.deliver(batch_of(1))


def test_an_upload_without_an_answer_times_out(server, monkeypatch):
    monkeypatch.setattr("log_replay.sinks.files.bucket._TIMEOUT_SECONDS", (1, 0.1))
    server.script = [LrsResponse(200), LrsResponse(delay_seconds=0.5)]
    with pytest.raises(DestinationUnavailable, match="no answer in time"):
        sink(server, RetryPolicy(retries=0)).deliver(batch_of(1))


def test_the_manifest_keeps_other_runs(s3):
    for key in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        sink = open_sink("S3", {**s3.config, "region": "us-east-1"}, transformer_type="xapi", key=key)
        sink.deliver(batch_of(1))
        sink.close(complete=True)
    runs = json.loads(s3.read("manifest.json"))["runs"]
    assert [run["key"] for run in runs] == ["aaaaaaaaaaaa", "bbbbbbbbbbbb"]


def test_odd_prefixes_arrive_as_they_are(s3):
    sink = open_sink("MINIO", {**s3.config, "prefix": "ü b+c/%41"}, transformer_type="xapi", key=KEY)
    sink.check()
    sink.deliver(batch_of(1))
    sink.close(complete=True)
    assert s3.names() == ["ü b+c/%41/manifest.json", f"ü b+c/%41/xapi_{KEY}_00000000.log"]


def test_a_spool_without_room_is_said(server, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(DestinationUnavailable, match=r"spool .*missing"):
        sink(server).deliver(batch_of(1))
