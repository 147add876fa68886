from __future__ import annotations

import errno
import gzip
import os
import resource
import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.statement_log import FileHandler, RawFormatter, file_handler, flush_statements, log_statements
from tests.support.logged_events import event, events, statement, texts


def content(path):
    """Read the rotated files, oldest first, and the file."""
    rotated = sorted(part for part in path.parent.iterdir() if part.name.startswith(f"{path.name}."))
    return b"".join(
        gzip.decompress(part.read_bytes()) if part.suffix == ".gz" else part.read_bytes() for part in [*rotated, path]
    )


def test_appends_whole_lines(log_through, tmp_path):
    path = tmp_path / "statements.log"
    path.write_bytes(b"before\n")
    log_through(FileHandler(path), RawFormatter())
    logged = events(3)

    log_statements("xapi", logged)

    assert path.read_bytes() == b"before\n" + b"".join(text + b"\n" for text in texts(logged))
    assert flush_statements("xapi") == 0


@pytest.mark.parametrize("compress", [False, True])
def test_rotation_keeps_every_line(log_through, tmp_path, compress):
    path = tmp_path / "statements[1].log"
    log_through(FileHandler(path, max_bytes=2000, compress=compress), RawFormatter())
    logged = events(50)

    for start in range(0, 50, 10):
        log_statements("xapi", logged[start : start + 10])

    assert content(path) == b"".join(text + b"\n" for text in texts(logged))
    rotated = sorted(tmp_path.glob("*.log.0*"))
    assert len(rotated) > 2
    assert all((part.suffix == ".gz") == compress for part in rotated)
    assert not list(tmp_path.glob("*.partial"))
    assert compress or all(part.stat().st_size <= 2000 for part in rotated)


def test_rotation_continues_numbering_after_a_restart(log_through, tmp_path):
    path = tmp_path / "statements.log"
    logged = events(4)
    for transformed in logged:
        handler = log_through(FileHandler(path, max_bytes=10), RawFormatter())
        log_statements("xapi", [transformed])
        handler.close()

    assert [part.name for part in sorted(tmp_path.iterdir())] == [
        "statements.log",
        "statements.log.000001",
        "statements.log.000002",
        "statements.log.000003",
    ]
    assert content(path) == b"".join(text + b"\n" for text in texts(logged))


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(2, 500), max_size=30), max_bytes=st.integers(1, 2000))
def test_lines_of_any_size_are_rotated_without_loss(tmp_path_factory, sizes, max_bytes):
    path = tmp_path_factory.mktemp("rotation") / "statements.log"
    handler = FileHandler(path, max_bytes=max_bytes)
    lines = [b"x" * size for size in sizes]
    for line in lines:
        handler.write_lines(line + b"\n")
    handler.close()

    assert content(path) == b"".join(line + b"\n" for line in lines)
    assert all(
        part.stat().st_size <= max_bytes or part.read_bytes().count(b"\n") == 1 for part in path.parent.iterdir()
    )


def test_a_failed_write_leaves_whole_lines(log_through, tmp_path):
    path = tmp_path / "statements.log"
    log_through(FileHandler(path), RawFormatter())
    first = [event(statement(b"{" + b"x" * 3000 + b"}"))]
    log_statements("xapi", first)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(DestinationUnavailable, match=r"statements\.log"):
            log_statements("xapi", first)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    assert path.read_bytes() == texts(first)[0] + b"\n"


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="missing"):
        FileHandler(tmp_path / "missing" / "statements.log")


def test_a_named_pipe_gets_the_lines(log_through, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log_through(FileHandler(path), RawFormatter())
    logged = events(3)

    log_statements("xapi", logged)

    assert flush_statements("xapi") == 0
    assert os.read(reader, 100_000).splitlines() == texts(logged)
    os.close(reader)


def test_a_device_is_only_written_to(log_through, monkeypatch):
    def unexpected(*_):
        pytest.fail("only regular files are synced, truncated or written out")

    for call in ("fsync", "posix_fadvise", "ftruncate"):
        monkeypatch.setattr(os, call, unexpected)
    monkeypatch.setattr(file_handler, "WRITE_OUT_BYTES", 500)
    log_through(FileHandler("/dev/null"), RawFormatter())

    log_statements("xapi", events(20))

    assert flush_statements("xapi") == 0


def test_an_open_file_descriptor_gets_the_lines(log_through, pipe):
    reader, writer = pipe
    log_through(FileHandler(f"/dev/fd/{writer}"), RawFormatter())
    logged = events(3)

    log_statements("xapi", logged)

    assert flush_statements("xapi") == 0
    assert os.read(reader, 100_000).splitlines() == texts(logged)


def test_a_full_device_stops_the_run(log_through):
    log_through(FileHandler("/dev/full"), RawFormatter())

    with pytest.raises(DestinationUnavailable, match="write /dev/full: No space left"):
        log_statements("xapi", events(1))


def test_a_device_cannot_be_rotated():
    with pytest.raises(ConfigurationError, match="only a regular file"):
        FileHandler("/dev/null", max_bytes=1000)


def test_write_out_starts_before_the_flush(log_through, tmp_path, monkeypatch):
    requested = []
    monkeypatch.setattr(file_handler, "WRITE_OUT_BYTES", 500)
    monkeypatch.setattr(os, "posix_fadvise", lambda _, start, length, advice: requested.append((start, length, advice)))
    path = tmp_path / "statements.log"
    path.write_bytes(b"before\n")
    log_through(FileHandler(path, max_bytes=2000), RawFormatter())

    for transformed in events(30):
        log_statements("xapi", [transformed])

    starts, lengths, advice = zip(*requested, strict=True)
    assert starts[0] == len(b"before\n")
    # Without a gap; from 0 again after a rotation.
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    assert all(start in {end, 0} for start, end in zip(starts[1:], ends, strict=False))
    assert 0 in starts
    assert min(lengths) >= 500
    assert set(advice) == {os.POSIX_FADV_DONTNEED}


def test_lines_are_written_where_write_out_is_unsupported(log_through, tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(errno.ESPIPE, "not a file")

    monkeypatch.setattr(file_handler, "WRITE_OUT_BYTES", 500)
    monkeypatch.setattr(os, "posix_fadvise", unsupported)
    path = tmp_path / "statements.log"
    log_through(FileHandler(path), RawFormatter())
    logged = events(20)

    log_statements("xapi", logged)

    assert path.read_bytes() == b"".join(text + b"\n" for text in texts(logged))
