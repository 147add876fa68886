"""What every source promises, against real folders and a real S3 server."""

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


def test_objects_come_in_the_order_of_their_whole_names_however_odd(place):
    # No folder has a file without a name's part; moto knows no route with a line end in it.
    odd = [*ODD_NAMES, "new\nline.log" if place.provider == "LOCAL" else "a//b.log"]
    for number, name in enumerate(odd):
        place.put(name, b"%d" % number)
    source = place.source()
    found = list(source.objects())
    assert [obj.name for obj in found] == sorted(odd)
    assert [read(source, obj) for obj in found] == [b"%d" % odd.index(obj.name) for obj in found]


def test_an_object_has_its_size_and_a_version_that_changes_with_its_content(place):
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
def test_a_prefix_is_how_names_begin(place, prefix, found):
    for name in ("tracking.log", "tracking.log-1", "tracking/x.log", "other.log"):
        place.put(name)
    assert names(place.source(**prefix)) == found


def test_what_is_no_log_is_named_and_skipped(place):
    place.put("empty.log", b"")
    place.put("out/manifest.json")
    place.put("out/manifest.log")
    place.put("out/xapi_0123456789ab_00000001.log.gz")
    place.put("out/23-06-02_20-29-20_caliper.log")
    place.put("tracking.log")
    assert [found for found in place.source().objects() if isinstance(found, SkippedObject)] == [
        SkippedObject("empty.log", "empty"),
        SkippedObject("out/23-06-02_20-29-20_caliper.log", "own output"),
        SkippedObject("out/manifest.json", "own output"),
        SkippedObject("out/manifest.log", "own output"),
        SkippedObject("out/xapi_0123456789ab_00000001.log.gz", "own output"),
    ]


@pytest.mark.parametrize("window", [(0, None), (0, 7), (5, 6), (3, 3), (100_000, None), (262_143, 262_145), (5, 10**9)])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress], ids=["plain", "gzip", "bzip2"])
def test_a_window_is_of_decompressed_bytes(place, compress, window):
    place.put("tracking.log", compress(LOG))
    source = place.source()
    assert read(source, the_only(source), *window) == LOG[slice(*window)]


@pytest.mark.parametrize("start", [len(LOG), len(LOG) + 1])
def test_a_window_behind_the_end_is_empty(place, start):
    place.put("tracking.log", LOG)
    source = place.source()
    assert read(source, the_only(source), start) == b""


@pytest.mark.parametrize("data", [b"\x1f", b"x", b"BZh9", b"a line", b"\n"])
def test_objects_shorter_than_any_magic_are_read(place, data):
    place.put("short.log", data)
    source = place.source()
    if data == b"BZh9":
        with pytest.raises(DamagedObject):
            read(source, the_only(source))
    else:
        assert read(source, the_only(source)) == data
        assert read(source, the_only(source), 1) == data[1:]


def test_compressed_objects_are_told_by_their_content(place):
    place.put("a.log", gzip.compress(LOG))
    place.put("b.log.gz", LOG)
    source = place.source()
    assert [source.is_compressed(obj) for obj in source.objects()] == [True, False]


def test_chunks_are_small(place):
    place.put("tracking.log", LOG * 12)
    source = place.source()
    assert max(map(len, source.read(the_only(source)))) <= 1 << 20


def test_a_cut_off_archive_yields_what_precedes_the_cut(place):
    place.put("tracking.log.gz", gzip.compress(LOG)[:-30])
    source = place.source()
    found = []
    with pytest.raises(DamagedObject) as caught:
        found.extend(source.read(the_only(source)))
    assert LOG.startswith(b"".join(found))
    assert caught.value.offset == len(b"".join(found)) > len(LOG) * 0.9
    assert caught.value.object == "tracking.log.gz"


def test_an_object_that_vanished_fails_alone(place):
    place.put("a.log")
    place.put("b.log")
    source = place.source()
    first, second = source.objects()
    place.remove("a.log")
    with pytest.raises(ReadError) as caught:
        read(source, first)
    assert (caught.value.operation, caught.value.object, caught.value.offset) == ("read", "a.log", 0)
    assert read(source, second) == b"a line\n"


def test_a_read_that_is_given_up_leaves_the_source_usable(place):
    place.put("tracking.log", LOG)
    source = place.source()
    obj = the_only(source)
    chunks = source.read(obj)
    next(chunks)
    chunks.close()
    assert read(source, obj) == LOG


def test_objects_can_be_read_while_they_are_listed(place):
    for number in range(5):
        place.put(f"{number}.log", b"%d" % number)
    source = place.source()
    assert [read(source, obj) for obj in source.objects()] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_source_that_can_be_listed_passes_its_check(place):
    place.source().check()
    place.put("tracking.log")
    place.source(prefix="track").check()


def test_a_missing_container_is_found_by_the_check(place):
    with pytest.raises(ConfigurationError) as caught:
        place.source(container="nowhere").check()
    assert "nowhere" in str(caught.value)
    assert '"container"' in str(caught.value)


@pytest.mark.parametrize("container", [None, "", 7])
def test_a_source_needs_a_container(place, container):
    with pytest.raises(ConfigurationError, match="no container"):
        place.source(container=container)


def test_a_prefix_is_text(place):
    with pytest.raises(ConfigurationError, match="prefix"):
        place.source(prefix=3)


def test_reading_what_was_never_listed_needs_no_size(place):
    place.put("tracking.log", LOG)
    assert read(place.source(), SourceObject("tracking.log")) == LOG
    assert read(place.source(), SourceObject("tracking.log"), 10, 20) == LOG[10:20]
