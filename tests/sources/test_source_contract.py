"""The contract of every source, with real folders and a real S3 server."""

import bz2
import gzip

import pytest

from log_replay.errors import ConfigurationError, DamagedObject, ReadError
from log_replay.records import SkippedObject, SourceObject

LOG = b"".join(b'{"line": %d}\n' % number for number in range(20_000))
ODD_NAMES = [
    "a b.log",
    "a+b%20c.log",
    "a/b/c.log",
    "a.log",
    "a-.log",
    "ünïcödé/日志-🦉.log",
    "q?x=1&y=#z.log",
    "'single' \"double\".log",
    "back\\slash.log",
    "~tilde;semi,comma=.log",
]


def read(source, obj, *window):
    return b"".join(source.read(obj, *window))


def the_only(source):
    (obj,) = source.objects()
    return obj


def names(source):
    return [found.name for found in source.objects()]


def test_objects_are_listed_in_the_order_of_their_names(place):
    # A folder cannot contain a file with an empty part in its name; moto has no route for a name with a line end.
    odd = [*ODD_NAMES, "new\nline.log" if place.provider == "LOCAL" else "a//b.log"]
    for number, name in enumerate(odd):
        place.put(name, b"%d" % number)
    source = place.source()
    found = list(source.objects())
    assert [obj.name for obj in found] == sorted(odd)
    assert [read(source, obj) for obj in found] == [b"%d" % odd.index(obj.name) for obj in found]


def test_listing_has_size_and_version_of_each_object(place):
    place.put("tracking.log", b"one\n")
    first = the_only(place.source())
    place.put("tracking.log", b"three\n")
    second = the_only(place.source())
    assert (first.size_bytes, second.size_bytes) == (4, 6)
    assert first.version
    assert first.version != second.version


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ({}, ["other.log", "tracking.log", "tracking.log-1", "tracking/x.log"]),
        ({"prefix": ""}, ["other.log", "tracking.log", "tracking.log-1", "tracking/x.log"]),
        ({"prefix": "tracking"}, ["tracking.log", "tracking.log-1", "tracking/x.log"]),
        ({"prefix": "/tracking"}, ["tracking.log", "tracking.log-1", "tracking/x.log"]),
        ({"prefix": "tracking/"}, ["tracking/x.log"]),
        ({"prefix": "tracking.log-1"}, ["tracking.log-1"]),
        ({"prefix": "nothing"}, []),
        ({"prefix": "../logs"}, []),
    ],
)
def test_prefix_selects_names_that_begin_with_it(place, prefix, found):
    for name in ("tracking.log", "tracking.log-1", "tracking/x.log", "other.log"):
        place.put(name)
    assert names(place.source(**prefix)) == found


def test_objects_that_are_not_logs_are_skipped_by_name(place):
    place.put("empty.log", b"")
    place.put("out/manifest.json")
    place.put("out/manifest.log")
    place.put("out/xapi_0123456789ab_0123456789ab_000000000001.log.gz")
    place.put("out/23-06-02_20-29-20_caliper.log")
    place.put("tracking.log")
    assert [found for found in place.source().objects() if isinstance(found, SkippedObject)] == [
        SkippedObject("empty.log", "empty"),
        SkippedObject("out/23-06-02_20-29-20_caliper.log", "own output"),
        SkippedObject("out/manifest.json", "own output"),
        SkippedObject("out/manifest.log", "own output"),
        SkippedObject("out/xapi_0123456789ab_0123456789ab_000000000001.log.gz", "own output"),
    ]


@pytest.mark.parametrize("window", [(0, None), (0, 7), (5, 6), (3, 3), (100_000, None), (262_143, 262_145), (5, 10**9)])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress], ids=["plain", "gzip", "bzip2"])
def test_range_is_in_decompressed_bytes(place, compress, window):
    place.put("tracking.log", compress(LOG))
    source = place.source()
    assert read(source, the_only(source), *window) == LOG[slice(*window)]


@pytest.mark.parametrize("start", [len(LOG), len(LOG) + 1])
def test_range_after_the_end_is_empty(place, start):
    place.put("tracking.log", LOG)
    source = place.source()
    assert read(source, the_only(source), start) == b""


@pytest.mark.parametrize("data", [b"\x1f", b"x", b"BZh9", b"a line", b"\n"])
def test_objects_shorter_than_a_magic_number_are_read(place, data):
    place.put("short.log", data)
    source = place.source()
    if data == b"BZh9":
        with pytest.raises(DamagedObject):
            read(source, the_only(source))
    else:
        assert read(source, the_only(source)) == data
        assert read(source, the_only(source), 1) == data[1:]


def test_compression_is_recognised_by_content(place):
    place.put("a.log", gzip.compress(LOG))
    place.put("b.log.gz", LOG)
    source = place.source()
    assert [source.is_compressed(obj) for obj in source.objects()] == [True, False]


def test_chunks_have_a_bounded_size(place):
    place.put("tracking.log", LOG * 12)
    source = place.source()
    assert max(map(len, source.read(the_only(source)))) <= 1 << 20


def test_truncated_archive_yields_data_before_the_cut(place):
    place.put("tracking.log.gz", gzip.compress(LOG)[:-30])
    source = place.source()
    found = []
    with pytest.raises(DamagedObject) as caught:
        found.extend(source.read(the_only(source)))
    assert LOG.startswith(b"".join(found))
    assert caught.value.offset == len(b"".join(found)) > len(LOG) * 0.9
    assert caught.value.object == "tracking.log.gz"


def test_deleted_object_fails_alone(place):
    place.put("a.log")
    place.put("b.log")
    source = place.source()
    first, second = source.objects()
    place.remove("a.log")
    with pytest.raises(ReadError) as caught:
        read(source, first)
    assert (caught.value.operation, caught.value.object, caught.value.offset) == ("read", "a.log", 0)
    assert read(source, second) == b"a line\n"


def test_source_is_usable_after_an_abandoned_read(place):
    place.put("tracking.log", LOG)
    source = place.source()
    obj = the_only(source)
    chunks = source.read(obj)
    next(chunks)
    chunks.close()
    assert read(source, obj) == LOG


@pytest.mark.parametrize("window", [(0, None), (0, 7), (5, 6), (10_000, None)])
def test_stored_bytes_are_not_decompressed(place, window):
    stored = gzip.compress(LOG, mtime=0)
    place.put("tracking.log.gz", stored)
    source = place.source()
    assert b"".join(source.read_stored(the_only(source), *window)) == stored[slice(*window)]


def test_objects_can_be_read_while_they_are_listed(place):
    for number in range(5):
        place.put(f"{number}.log", b"%d" % number)
    source = place.source()
    assert [read(source, obj) for obj in source.objects()] == [b"0", b"1", b"2", b"3", b"4"]


def test_source_that_can_be_listed_passes_the_check(place):
    place.source().check()
    place.put("tracking.log")
    place.source(prefix="track").check()


def test_check_reports_missing_container(place):
    with pytest.raises(ConfigurationError) as caught:
        place.source(container="nowhere").check()
    assert "nowhere" in str(caught.value)
    assert '"container"' in str(caught.value)


@pytest.mark.parametrize("container", [None, "", 7])
def test_missing_container_name_is_refused(place, container):
    with pytest.raises(ConfigurationError, match="no container"):
        place.source(container=container)


def test_prefix_that_is_not_a_string_is_refused(place):
    with pytest.raises(ConfigurationError, match="prefix"):
        place.source(prefix=3)


def test_object_without_a_known_size_is_read(place):
    place.put("tracking.log", LOG)
    assert read(place.source(), SourceObject("tracking.log")) == LOG
    assert read(place.source(), SourceObject("tracking.log"), 10, 20) == LOG[10:20]
