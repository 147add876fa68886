"""Runs over objects that cannot be read: each is reported as failed, or skipped on request."""

from __future__ import annotations

import gzip
import lzma
import os
import zipfile

import pytest

from tests.support.ledger_runs import logs, replay, source

__all__ = ["logs", "replay", "source"]

ONLY_LOG = ["--destination_provider", "LOGGER", "--log_to", "null"]


def test_xz_log_gives_the_same_statements(replay, source, logs):
    plain = replay(*source, *ONLY_LOG)
    for path in logs.iterdir():
        path.write_bytes(lzma.compress(path.read_bytes()))
    assert replay(*source, *ONLY_LOG).total == plain.total


def test_objects_of_unsupported_formats_are_failed(replay, source, logs):
    text = (logs / "a.log").read_bytes()
    plain = replay(*source, *ONLY_LOG)
    with zipfile.ZipFile(logs / "c.zip", "w") as archive:
        archive.writestr("tracking.log", text)
    (logs / "d.log.gz").write_bytes(gzip.compress(gzip.compress(text)))
    (logs / "e.log").write_bytes(text.decode().encode("utf-16"))
    report = replay(*source, *ONLY_LOG, "--unit_size", "20KB")
    assert not report.complete
    assert {name: error.partition(" (")[0] for name, error in report.failed_objects.items()} == {
        "c.zip": "read c.zip at offset 0: it is zip",
        "d.log.gz": "read d.log.gz at offset 0: it is gzip in gzip",
        "e.log": "read e.log at offset 0: it is UTF-16 or UTF-32",
    }
    assert report.total == plain.total


@pytest.mark.parametrize(("options", "complete"), [([], False), (["--skip_unreadable"], True)])
def test_unreadable_object_is_failed_unless_it_is_to_be_skipped(replay, source, logs, options, complete):
    os.mkfifo(logs / "pipe.log")
    report = replay(*source, *ONLY_LOG, *options)
    assert report.complete is complete
    assert list(report.failed_objects) == ([] if complete else ["pipe.log"])
    assert [skipped.name for skipped in report.skipped] == (["pipe.log"] if complete else [])
