"""Several threads read from one source at the same time."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor

from log_replay.records import SourceObject
from tests.support.faulty_proxy import cut_after, reset_after, status
from tests.support.places import BucketPlace


def read_many(source, names: list[str]) -> list[bytes]:
    """Read objects in eight threads."""
    listed = {found.name: found for found in source.objects() if isinstance(found, SourceObject)}
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda name: b"".join(source.read(listed[name])), names))


def test_each_thread_gets_the_bytes_of_its_object(place):
    contents = {f"{number:02}.log": b"%d\n" % number * 20_000 for number in range(16)}
    for name, content in contents.items():
        place.put(name, gzip.compress(content, 1) if name < "08" else content)
    names = sorted(contents) * 4
    assert read_many(place.source(), names) == [contents[name] for name in names]


def test_interrupted_downloads_resume_in_each_thread(s3_port, proxy):
    place = BucketPlace("S3", s3_port, proxy.port)
    contents = {f"{number:02}.log": b"%d\n" % number * 50_000 for number in range(8)}
    for name, content in contents.items():
        place.put(name, content)
    source = place.source(retries=20)
    proxy.faults = [cut_after(70_000), reset_after(1000), status(503)] * 5
    assert read_many(source, sorted(contents)) == list(contents.values())
    assert proxy.faults == []
    assert len(place.waits) > 8
