"""Object stores with faults: a real S3 server behind a proxy that breaks downloads and listings."""

import gzip
import random
import socket
import time
from email.utils import formatdate

import pytest
from libcloud.storage.drivers.dummy import DummyStorageDriver

from log_replay.errors import ConfigurationError, ReadError, SourceUnavailable
from log_replay.records import SkippedObject, SourceObject
from log_replay.sources import open_source
from log_replay.sources.cloud import FIRST_PAGE_ONLY
from tests.support.faulty_proxy import cut_after, reset_after, shortened_to, status, whole_object
from tests.support.places import SECRET, BucketPlace

LOG = b"".join(b'{"line": %d}\n' % number for number in range(40_000))


@pytest.fixture(params=["S3", "MINIO"])
def store(request, s3_port, proxy):
    """A bucket behind the proxy."""
    return BucketPlace(request.param, s3_port, proxy.port)


def the_only(source):
    (obj,) = source.objects()
    return obj


def read(source, obj, *window):
    return b"".join(source.read(obj, *window))


@pytest.mark.parametrize(
    "faults",
    [
        [reset_after(0)],
        [reset_after(100_000)],
        [reset_after(100_000), reset_after(1), reset_after(200_000)],
        [cut_after(0)],
        [cut_after(100_000)],
        [shortened_to(100_000), shortened_to(70_000)],
        [status(500)],
        [status(503), status(502), status(504), status(429), status(408)],
        [cut_after(200_000), whole_object],
        [reset_after(100_000), status(503), cut_after(65_536), None],
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_interrupted_read_yields_every_byte_once(store, proxy, faults, compress):
    # Random data does not compress, so the faults are inside the object.
    data = LOG + random.Random(0).randbytes(600_000)
    store.put("tracking.log", compress(data))
    source = store.source()
    obj = the_only(source)
    proxy.faults = list(faults)
    assert read(source, obj) == data
    assert proxy.faults == []


def test_interrupted_read_requests_the_rest(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.requests.clear()
    proxy.faults = [cut_after(131_072)]
    assert read(source, obj) == LOG
    assert [wanted for _, wanted in proxy.requests] == [None, "bytes=131072-"]


def test_interrupted_range_requests_the_rest_of_the_range(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.requests.clear()
    proxy.faults = [None, cut_after(65_536)]
    assert read(source, obj, 1000, 200_000) == LOG[1000:200_000]
    assert [wanted for _, wanted in proxy.requests] == ["bytes=0-9", "bytes=1000-199999", "bytes=66536-199999"]


def test_read_without_progress_fails_after_all_retries(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source(retries=3)
    obj = the_only(source)
    proxy.faults = [cut_after(65_536)] + [status(503)] * 10
    found = []
    with pytest.raises(ReadError) as caught:
        found.extend(source.read(obj))
    assert b"".join(found) == LOG[:65_536]
    assert str(caught.value) == (
        "read tracking.log at offset 65536: the server answered 503, 4 times in a row (try again later)"
    )
    assert len(store.waits) == 3


def test_error_offset_is_in_decompressed_bytes(store, proxy):
    store.put("tracking.log.gz", gzip.compress(LOG))
    source = store.source(retries=0)
    obj = the_only(source)
    proxy.faults = [cut_after(65_536)]
    found = []
    with pytest.raises(ReadError) as caught:
        found.extend(source.read(obj))
    assert caught.value.offset == len(b"".join(found)) > 65_536


@pytest.mark.parametrize(("code", "reason"), [(403, "denied"), (404, "404"), (400, "400"), (501, "501")])
def test_permanent_error_is_not_retried(store, proxy, code, reason):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.faults = [status(code)]
    with pytest.raises(ReadError, match=reason):
        read(source, obj)
    assert store.waits == []


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_in_seconds_is_respected(store, proxy, code):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.faults = [status(code, Retry_After="17")]
    assert read(source, obj) == LOG
    assert store.waits == [17]


def test_retry_after_as_a_date_is_respected(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.faults = [status(503, Retry_After=formatdate(time.time() + 30, usegmt=True))]
    assert read(source, obj) == LOG
    assert 20 < store.waits[0] <= 30


def test_object_that_changed_after_listing_is_not_read(store):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    store.put("tracking.log", LOG.replace(b"1", b"2"))
    with pytest.raises(ReadError, match="it changed since it was listed"):
        read(source, obj)


def test_object_that_changes_between_two_ranges_fails(store):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = SourceObject("tracking.log", len(LOG))
    assert read(source, obj, 0, 1000) == LOG[:1000]
    store.put("tracking.log", LOG.replace(b"1", b"2"))
    with pytest.raises(ReadError, match="it changed since it was listed"):
        read(source, obj, 1000)


def test_object_that_changes_during_a_read_fails(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.faults = [cut_after(131_072)]
    chunks = source.read(obj)
    found = [next(chunks)]
    store.put("tracking.log", LOG.replace(b"1", b"2"))
    with pytest.raises(ReadError, match="it changed") as caught:
        found.extend(chunks)
    assert b"".join(found) == LOG[:131_072]
    assert caught.value.offset == 131_072


def test_stored_content_encoding_has_no_effect(store):
    data = gzip.compress(LOG)
    store.put("tracking.log", data, ContentEncoding="gzip")
    source = store.source()
    obj = the_only(source)
    assert read(source, obj) == LOG
    assert read(source, obj, 300_000) == LOG[300_000:]


def test_interrupted_listing_is_resumed_on_every_page(s3_port, proxy):
    store = BucketPlace("S3", s3_port, proxy.port)
    expected = [f"{number:04}.log" for number in range(1001)]
    store.put_many(expected)
    proxy.listing_faults = [None, status(503), cut_after(500)]
    names = [obj.name for obj in store.source().objects()]
    assert names == expected
    assert len(store.waits) == 2


def test_listing_that_keeps_failing_is_source_unavailable(store, proxy):
    store.put("tracking.log")
    proxy.listing_faults = [status(503)] * 10
    with pytest.raises(SourceUnavailable, match="503"):
        list(store.source(retries=2).objects())


def test_folder_placeholders_are_skipped(store):
    store.put("logs/", b"")
    store.put("logs/tracking.log")
    found = list(store.source().objects())
    assert found[0] == SkippedObject("logs/", "placeholder")
    assert isinstance(found[1], SourceObject)


def test_check_reports_refused_credentials_without_them(store, proxy):
    proxy.listing_faults = [status(403)]
    with pytest.raises(ConfigurationError) as caught:
        store.source().check()
    assert '"key" and "secret"' in str(caught.value)
    assert SECRET not in str(caught.value)


def test_check_reports_refused_connection(s3_port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = BucketPlace("S3", s3_port, taken.getsockname()[1])
        with pytest.raises(ConfigurationError) as caught:
            place.source().check()
    assert "connection refused" in str(caught.value)
    assert '"host", "port" and "secure"' in str(caught.value)


def test_check_reports_redirect_to_another_region(store, proxy):
    proxy.listing_faults = [status(301)]
    with pytest.raises(ConfigurationError, match=r"301 .*region"):
        store.source().check()


def test_read_that_times_out_is_resumed(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source(read_timeout_seconds=0.2)
    obj = the_only(source)

    def hang(handler, code, headers, body):
        handler.answer(code, headers, body, give=70_000)
        handler.connection.settimeout(5)
        # Wait until the reader closes the connection.
        handler.connection.recv(1)

    proxy.faults = [hang]
    assert read(source, obj) == LOG
    assert len(store.waits) == 1


@pytest.fixture
def unordered():
    """A source of a provider that lists in any order, filters by itself and sends no requests."""
    source = open_source("DUMMY", {"api_key": "key", "api_secret": SECRET, "container": "logs", "prefix": "t"})
    container = source._driver.create_container("logs")
    for name in ("tb.log", "ta.log", "other.log", "tc.log"):
        container.upload_object(__file__, name)
    return source


def test_unordered_listing_is_sorted(unordered):
    unordered.check()
    assert [obj.name for obj in unordered.objects()] == ["ta.log", "tb.log", "tc.log"]


def test_listing_of_first_page_only_fails(unordered, monkeypatch):
    monkeypatch.setitem(FIRST_PAGE_ONLY, "DUMMY", 3)
    with pytest.raises(SourceUnavailable, match="only the first 3 objects of DUMMY"):
        list(unordered.objects())


def test_driver_without_ranges_reads_from_the_beginning(bucket, monkeypatch):
    bucket.put("tracking.log", LOG)
    source = bucket.source()
    # Backblaze's driver does not implement ranges either.
    ranged = DummyStorageDriver.download_object_range_as_stream
    monkeypatch.setattr(type(source._driver), "download_object_range_as_stream", ranged)
    assert read(source, the_only(source), 100_000, 300_000) == LOG[100_000:300_000]


def test_objects_are_listed_and_read_through_a_proxy(bucket, monkeypatch):
    """The server answers requests to any host, as a proxy does."""
    bucket.put("a.log", b"one\n")
    bucket.put("b.log", b"two\n")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{bucket.port}")
    monkeypatch.setenv("NO_PROXY", "localhost")
    source = bucket.source(host="127.0.0.2", port=9)
    assert [b"".join(source.read(found)) for found in source.objects()] == [b"one\n", b"two\n"]
    monkeypatch.setenv("NO_PROXY", "127.0.0.2")
    with pytest.raises(ConfigurationError):
        bucket.source(host="127.0.0.2", port=9, retries=0).check()
