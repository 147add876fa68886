"""Object stores that misbehave: a real S3 server behind a proxy that breaks downloads and listings."""

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
        [reset_after(100_000), whole_object],
        [reset_after(100_000), status(503), cut_after(65_536), None],
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_broken_read_is_resumed_without_losing_or_doubling_a_byte(store, proxy, faults, compress):
    # Not compressible, so that the faults lie within the object.
    data = LOG + random.Random(0).randbytes(600_000)
    store.put("tracking.log", compress(data))
    source = store.source()
    obj = the_only(source)
    proxy.faults = list(faults)
    assert read(source, obj) == data
    assert proxy.faults == []


def test_a_read_is_resumed_at_its_offset(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.requests.clear()
    proxy.faults = [cut_after(131_072)]
    assert read(source, obj) == LOG
    assert [wanted for _, wanted in proxy.requests] == [None, "bytes=131072-"]


def test_a_window_is_resumed_within_it(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.requests.clear()
    proxy.faults = [None, cut_after(65_536)]
    assert read(source, obj, 1000, 200_000) == LOG[1000:200_000]
    assert [wanted for _, wanted in proxy.requests] == ["bytes=0-9", "bytes=1000-199999", "bytes=66536-199999"]


def test_a_read_without_progress_is_given_up(store, proxy):
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


def test_an_offset_of_a_compressed_object_is_in_decompressed_bytes(store, proxy):
    store.put("tracking.log.gz", gzip.compress(LOG))
    source = store.source(retries=0)
    obj = the_only(source)
    proxy.faults = [cut_after(65_536)]
    found = []
    with pytest.raises(ReadError) as caught:
        found.extend(source.read(obj))
    assert caught.value.offset == len(b"".join(found)) > 65_536


@pytest.mark.parametrize(("code", "reason"), [(403, "denied"), (404, "404"), (400, "400"), (501, "501")])
def test_what_will_not_pass_is_not_tried_again(store, proxy, code, reason):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.faults = [status(code)]
    with pytest.raises(ReadError, match=reason):
        read(source, obj)
    assert store.waits == []


@pytest.mark.parametrize("code", [429, 503])
def test_a_server_that_asks_for_a_pause_gets_it(store, proxy, code):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.faults = [status(code, Retry_After="17")]
    assert read(source, obj) == LOG
    assert store.waits == [17]


def test_a_pause_may_be_asked_for_as_a_date(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    proxy.faults = [status(503, Retry_After=formatdate(time.time() + 30, usegmt=True))]
    assert read(source, obj) == LOG
    assert 20 < store.waits[0] <= 30


def test_an_object_that_changed_since_it_was_listed_is_not_read(store):
    store.put("tracking.log", LOG)
    source = store.source()
    obj = the_only(source)
    store.put("tracking.log", LOG.replace(b"1", b"2"))
    with pytest.raises(ReadError, match="it changed since it was listed"):
        read(source, obj)


def test_an_object_that_changes_while_it_is_read_is_not_mixed(store, proxy):
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


def test_a_stored_content_encoding_changes_nothing(store):
    data = gzip.compress(LOG)
    store.put("tracking.log", data, ContentEncoding="gzip")
    source = store.source()
    obj = the_only(source)
    assert read(source, obj) == LOG
    assert read(source, obj, 300_000) == LOG[300_000:]


def test_every_page_is_listed_and_a_broken_listing_goes_on_where_it_broke(s3_port, proxy):
    store = BucketPlace("S3", s3_port, proxy.port)
    expected = [f"{number:04}.log" for number in range(1001)]
    store.put_many(expected)
    proxy.listing_faults = [None, status(503), cut_after(500)]
    names = [obj.name for obj in store.source().objects()]
    assert names == expected
    assert len(store.waits) == 2


def test_a_listing_that_stays_broken_is_unavailable(store, proxy):
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


def test_refused_credentials_are_found_by_the_check_and_not_shown(store, proxy):
    proxy.listing_faults = [status(403)]
    with pytest.raises(ConfigurationError) as caught:
        store.source().check()
    assert '"key" and "secret"' in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_server_that_is_not_there_is_found_by_the_check(s3_port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = BucketPlace("S3", s3_port, taken.getsockname()[1])
        with pytest.raises(ConfigurationError) as caught:
            place.source().check()
    assert "ConnectionRefusedError" in str(caught.value)
    assert '"host", "port" and "secure"' in str(caught.value)


def test_a_redirect_to_another_region_is_a_clear_answer(store, proxy):
    proxy.listing_faults = [status(301)]
    with pytest.raises(ConfigurationError, match=r"301 .*region"):
        store.source().check()


def test_a_read_that_hangs_is_taken_up_again(store, proxy):
    store.put("tracking.log", LOG)
    source = store.source()
    source._driver.connection.timeout = 0.2
    obj = the_only(source)

    def hang(handler, code, headers, body):
        handler.answer(code, headers, body, give=70_000)
        handler.connection.settimeout(5)
        # Until the reader loses its retry_policy and goes away.
        handler.connection.recv(1)

    proxy.faults = [hang]
    assert read(source, obj) == LOG
    assert len(store.waits) == 1


@pytest.fixture
def unordered():
    """A source of a provider that lists in any order, filters by itself and makes no requests."""
    source = open_source("DUMMY", {"api_key": "key", "api_secret": SECRET, "container": "logs", "prefix": "t"})
    container = source._driver.create_container("logs")
    for name in ("tb.log", "ta.log", "other.log", "tc.log"):
        container.upload_object(__file__, name)
    return source


def test_a_listing_in_any_order_is_sorted(unordered):
    unordered.check()
    assert [obj.name for obj in unordered.objects()] == ["ta.log", "tb.log", "tc.log"]


def test_a_listing_that_may_be_incomplete_is_not_trusted(unordered, monkeypatch):
    monkeypatch.setitem(FIRST_PAGE_ONLY, "DUMMY", 3)
    with pytest.raises(SourceUnavailable, match="only the first 3 objects of DUMMY"):
        list(unordered.objects())


def test_a_driver_without_ranges_reads_from_the_beginning_and_discards(bucket, monkeypatch):
    bucket.put("tracking.log", LOG)
    source = bucket.source()
    # As Backblaze's driver has it.
    ranged = DummyStorageDriver.download_object_range_as_stream
    monkeypatch.setattr(type(source._driver), "download_object_range_as_stream", ranged)
    assert read(source, the_only(source), 100_000, 300_000) == LOG[100_000:300_000]
