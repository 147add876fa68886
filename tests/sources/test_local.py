"""Folders: what lies in them beside plain files, and what changes under the reader's hands."""

import os
import socket

import pytest

from log_replay.errors import ConfigurationError, ReadError, SourceUnavailable
from log_replay.records import SkippedObject, SourceObject
from tests.support.places import LocalPlace


@pytest.fixture
def place(tmp_path):
    return LocalPlace(tmp_path)


@pytest.fixture
def logs(place):
    return place.folder / "logs"


def read(source, obj, *window):
    return b"".join(source.read(obj, *window))


def test_a_link_to_a_file_within_the_container_is_a_file(place, logs):
    place.put("old/tracking.log", b"a line\n")
    (logs / "current.log").symlink_to("old/tracking.log")
    source = place.source()
    assert [read(source, obj) for obj in source.objects()] == [b"a line\n", b"a line\n"]


def test_links_out_of_the_container_are_skipped(place, logs):
    place.put("tracking.log")
    outside = place.folder / "outside"
    outside.mkdir()
    (outside / "secret.log").write_bytes(b"secret\n")
    (logs / "file.log").symlink_to(outside / "secret.log")
    (logs / "folder").symlink_to("../outside")
    # Its name begins like the container's path.
    (place.folder / "logs-too").mkdir()
    (logs / "neighbour").symlink_to("../logs-too")
    skipped = [found for found in place.source().objects() if isinstance(found, SkippedObject)]
    assert skipped == [
        SkippedObject("file.log", "link out of the container"),
        SkippedObject("folder", "link out of the container"),
        SkippedObject("neighbour", "link out of the container"),
    ]


@pytest.mark.parametrize("name", ["../outside.log", "link.log", "/etc/passwd", "folder/../../outside.log"])
def test_nothing_outside_the_container_can_be_read(place, logs, name):
    (place.folder / "outside.log").write_bytes(b"secret\n")
    (logs / "link.log").symlink_to("../outside.log")
    with pytest.raises(ReadError, match="outside the container"):
        read(place.source(), SourceObject(name))


def test_links_that_go_in_circles_or_nowhere_are_skipped(place, logs):
    (logs / "folder").mkdir()
    (logs / "folder" / "up").symlink_to("..")
    (logs / "circle").symlink_to("circle")
    (logs / "nowhere").symlink_to("gone.log")
    assert list(place.source().objects()) == [
        SkippedObject("circle", "broken link"),
        SkippedObject("folder/up", "link to a folder"),
        SkippedObject("nowhere", "broken link"),
    ]


def test_the_container_itself_may_be_a_link(place, logs):
    place.put("tracking.log")
    (place.folder / "link").symlink_to("logs")
    source = place.source(container="link")
    source.check()
    assert [read(source, obj) for obj in source.objects()] == [b"a line\n"]


def test_what_is_no_file_is_skipped_and_blocks_nothing(place, logs, monkeypatch):
    os.mkfifo(logs / "pipe.log")
    monkeypatch.chdir(logs)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.log")
        source = place.source()
        assert list(source.objects()) == [
            SkippedObject("pipe.log", "no regular file"),
            SkippedObject("socket.log", "no regular file"),
        ]
    with pytest.raises(ReadError, match="no regular file"):
        read(source, SourceObject("pipe.log"))


def test_a_name_that_is_no_text_is_skipped_and_spelled_out(place, logs):
    (logs / os.fsdecode(b"track\xff\xfe.log")).write_bytes(b"a line\n")
    (logs / os.fsdecode(b"folder\x80")).mkdir()
    assert list(place.source().objects()) == [
        SkippedObject("folder\\x80/", "undecodable name"),
        SkippedObject("track\\xff\\xfe.log", "undecodable name"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root: run the tests as another user")
def test_what_may_not_be_read_fails_alone_when_it_is_read(place, logs):
    place.put("a.log")
    place.put("b.log")
    place.put("folder/c.log")
    (logs / "a.log").chmod(0)
    (logs / "folder").chmod(0)
    source = place.source()
    forbidden, readable, folder = source.objects()
    assert read(source, readable) == b"a line\n"
    for obj in (forbidden, folder):
        with pytest.raises(ReadError, match="Permission denied"):
            read(source, obj)
    (logs / "folder").chmod(0o700)


def test_a_file_that_grew_since_it_was_listed_is_read_to_its_end(place):
    place.put("tracking.log", b"one\n")
    source = place.source()
    (obj,) = source.objects()
    place.put("tracking.log", b"one\ntwo\n")
    assert read(source, obj) == b"one\ntwo\n"


def test_a_file_that_was_cut_off_since_it_was_listed_fails(place):
    place.put("tracking.log", b"one\ntwo\n")
    source = place.source()
    (obj,) = source.objects()
    place.put("tracking.log", b"one\n")
    found = []
    with pytest.raises(ReadError, match="it changed while it was read: 8 bytes were listed") as caught:
        found.extend(source.read(obj))
    assert found == [b"one\n"]
    assert caught.value.offset == 4


def test_folders_that_no_file_of_the_prefix_can_be_in_are_not_opened(place, monkeypatch):
    for name in ("tracking/2023/a.log", "tracking/2024/a.log", "other/a.log"):
        place.put(name)
    opened = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: opened.append(path) or scandir(path))
    assert [obj.name for obj in place.source(prefix="tracking/2023").objects()] == ["tracking/2023/a.log"]
    assert [path.name for path in opened] == ["logs", "tracking", "2023"]


@pytest.mark.parametrize("container", ["logs/old", "..", ".", "/etc"])
def test_a_container_is_a_single_folder(place, container):
    with pytest.raises(ConfigurationError, match="single folder"):
        place.source(container=container)


@pytest.mark.parametrize("key", [None, "", 3])
def test_a_folder_needs_a_key(place, key):
    with pytest.raises(ConfigurationError, match="no key"):
        place.source(key=key)


def test_an_unknown_option_is_named(place):
    with pytest.raises(ConfigurationError, match="prefx"):
        place.source(prefx="tracking")


def test_options_of_libclouds_driver_that_mean_nothing_here_are_taken(place):
    place.source(secret=None, secure=False, ex_use_locking=False).check()


def test_a_missing_key_is_told_from_a_missing_container(place):
    with pytest.raises(ConfigurationError, match='check "key"'):
        place.source(key="/nowhere").check()
    with pytest.raises(ConfigurationError, match='check "container"'):
        place.source(container="nowhere").check()


def test_a_container_that_is_a_file_is_refused(place):
    (place.folder / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="Not a directory"):
        place.source(container="file").check()


def test_a_container_that_vanished_cannot_be_listed(place, logs):
    source = place.source()
    logs.rmdir()
    with pytest.raises(SourceUnavailable, match="No such file"):
        list(source.objects())
