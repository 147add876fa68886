"""Local folders: links, pipes and odd names in them, and files that change during a read."""

import os
import shutil
import socket

import pytest
from structlog.testing import capture_logs

from log_replay.errors import ConfigurationError, ReadError, SourceUnavailable
from log_replay.records import SkippedObject, SourceObject
from tests.support.places import LocalPlace

#: Longer than a chunk.
LOG = b"a line\n" * 300_000


@pytest.fixture
def place(tmp_path):
    return LocalPlace(tmp_path)


@pytest.fixture
def logs(place):
    return place.folder / "logs"


def read(source, obj, *window):
    return b"".join(source.read(obj, *window))


def test_link_to_a_file_in_the_container_is_listed(place, logs):
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
    # The name of this folder begins with the name of the container.
    (place.folder / "logs-too").mkdir()
    (logs / "neighbour").symlink_to("../logs-too")
    skipped = [found for found in place.source(skip_unreadable=True).objects() if isinstance(found, SkippedObject)]
    assert skipped == [
        SkippedObject("file.log", "link out of the container"),
        SkippedObject("folder", "link out of the container"),
        SkippedObject("neighbour", "link out of the container"),
    ]


@pytest.mark.parametrize("name", ["../outside.log", "link.log", "/etc/passwd", "folder/../../outside.log"])
def test_no_file_outside_the_container_can_be_read(place, logs, name):
    (place.folder / "outside.log").write_bytes(b"secret\n")
    (logs / "link.log").symlink_to("../outside.log")
    with pytest.raises(ReadError, match="it is outside the container"):
        read(place.source(), SourceObject(name))


@pytest.mark.parametrize("replaced", ["folder", "folder/tracking.log"])
def test_no_link_in_place_of_a_listed_file_leads_outside(place, logs, replaced):
    place.put("folder/tracking.log", b"one\n")
    source = place.source()
    (obj,) = source.objects()
    outside = place.folder / "outside" / "folder"
    outside.mkdir(parents=True)
    (outside / "tracking.log").write_bytes(b"two\n")
    (logs / replaced).rename(place.folder / "moved")
    (logs / replaced).symlink_to(outside.parent / replaced)
    with pytest.raises(ReadError, match="it is outside the container"):
        read(source, obj)


def test_broken_and_circular_links_are_skipped(place, logs):
    (logs / "folder").mkdir()
    (logs / "folder" / "up").symlink_to("..")
    (logs / "circle").symlink_to("circle")
    (logs / "nowhere").symlink_to("gone.log")
    assert list(place.source().objects()) == [
        SkippedObject("circle", "broken link"),
        SkippedObject("folder/up", "link to a folder"),
        SkippedObject("nowhere", "broken link"),
    ]


def test_container_may_be_a_link(place, logs):
    place.put("tracking.log")
    (place.folder / "link").symlink_to("logs")
    source = place.source(container="link")
    source.check()
    assert [read(source, obj) for obj in source.objects()] == [b"a line\n"]


def test_pipes_and_sockets_are_skipped_without_blocking(place, logs, monkeypatch):
    os.mkfifo(logs / "pipe.log")
    monkeypatch.chdir(logs)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.log")
        source = place.source(skip_unreadable=True)
        assert list(source.objects()) == [
            SkippedObject("pipe.log", "not a regular file"),
            SkippedObject("socket.log", "not a regular file"),
        ]
    with pytest.raises(ReadError, match="not a regular file"):
        read(source, SourceObject("pipe.log"))


def test_undecodable_name_is_skipped_and_escaped(place, logs):
    (logs / os.fsdecode(b"track\xff\xfe.log")).write_bytes(b"a line\n")
    (logs / os.fsdecode(b"folder\x80")).mkdir()
    assert list(place.source(skip_unreadable=True).objects()) == [
        SkippedObject("folder\\x80/", "undecodable name"),
        SkippedObject("track\\xff\\xfe.log", "undecodable name"),
    ]


def test_unreadable_objects_are_listed_and_fail_when_read(place, logs):
    os.mkfifo(logs / "pipe.log")
    (logs / "link.log").symlink_to("../outside.log")
    (place.folder / "outside.log").write_bytes(b"secret\n")
    (logs / os.fsdecode(b"track\xff.log")).write_bytes(b"a line\n")
    source = place.source()
    failed = {}
    for obj in source.objects():
        with pytest.raises(ReadError) as caught:
            read(source, obj)
        failed[obj.name] = (caught.value.message, caught.value.hint)
    hint = "--skip_unreadable skips objects like this one"
    assert failed == {
        "link.log": ("link out of the container", hint),
        "pipe.log": ("not a regular file", hint),
        "track\\xff.log": ("undecodable name", hint),
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root: run the tests as another user")
def test_file_without_read_permission_fails_alone(place, logs):
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


def test_file_that_grew_is_read_to_its_end(place):
    place.put("tracking.log", b"one\n")
    source = place.source()
    (obj,) = source.objects()
    place.put("tracking.log", b"one\ntwo\n")
    assert read(source, obj) == b"one\ntwo\n"


@pytest.mark.parametrize("window", [(), (4,)])
def test_file_that_was_rotated_after_listing_is_not_read(place, logs, window):
    place.put("tracking.log", b"one\ntwo\n")
    source = place.source()
    (obj,) = source.objects()
    (logs / "tracking.log").rename(logs / "tracking.log.1")
    place.put("tracking.log", b"another file, larger than the one before\n")
    with pytest.raises(ReadError, match=r"replaced by another file after it was listed \(was it rotated"):
        read(source, obj, *window)


def test_file_that_is_rotated_during_a_read_is_read_and_reported(place, logs):
    place.put("tracking.log", LOG)
    source = place.source()
    (obj,) = source.objects()
    chunks = source.read(obj)
    found = [next(chunks)]
    (logs / "tracking.log").rename(logs / "tracking.log.1")
    place.put("tracking.log", b"another file\n")
    with capture_logs() as messages:
        found.extend(chunks)
    assert b"".join(found) == LOG
    assert [message["object"] for message in messages if "replaced by another file" in message["event"]] == [obj.name]


def test_file_with_another_inode_but_the_same_time_is_read(place, logs):
    place.put("tracking.log", b"one\n")
    source = place.source()
    (obj,) = source.objects()
    copy = logs / "copy"
    shutil.copy2(logs / "tracking.log", copy)
    copy.rename(logs / "tracking.log")
    assert read(source, obj) == b"one\n"


def test_file_that_became_shorter_fails(place):
    place.put("tracking.log", b"one\ntwo\n")
    source = place.source()
    (obj,) = source.objects()
    place.put("tracking.log", b"one\n")
    found = []
    with pytest.raises(ReadError, match="it changed while it was read: 8 bytes were listed") as caught:
        found.extend(source.read(obj))
    assert found == [b"one\n"]
    assert caught.value.offset == 4


def test_folders_outside_the_prefix_are_not_opened(place, monkeypatch):
    for name in ("tracking/2023/a.log", "tracking/2024/a.log", "other/a.log"):
        place.put(name)
    opened = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: opened.append(path) or scandir(path))
    assert [obj.name for obj in place.source(prefix="tracking/2023").objects()] == ["tracking/2023/a.log"]
    assert [path.name for path in opened] == ["logs", "tracking", "2023"]


def test_hint_distinguishes_missing_key_and_container(place):
    with pytest.raises(ConfigurationError, match='check "key"'):
        place.source(key="/nowhere").check()
    with pytest.raises(ConfigurationError, match='check "container"'):
        place.source(container="nowhere").check()


def test_container_that_is_a_file_is_refused(place):
    (place.folder / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="Not a directory"):
        place.source(container="file").check()


def test_container_that_was_removed_cannot_be_listed(place, logs):
    source = place.source()
    logs.rmdir()
    with pytest.raises(SourceUnavailable, match="No such file"):
        list(source.objects())
