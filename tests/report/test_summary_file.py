"""Reports are written in place, through links or by replacing a file, and never destroy what is there."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from log_replay.errors import DestinationUnavailable
from log_replay.report.summary_file import can_write, write_report, write_summary


def read_pipe(path, received):
    thread = threading.Thread(target=lambda: received.append(path.read_bytes()))
    thread.start()
    return thread


def test_report_replaces_a_file_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "summary.json"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_summary(path, {"run": "x"})
    assert path.read_bytes() == b'{\n  "run": "x"\n}\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("target_exists", [True, False])
def test_report_follows_links(tmp_path, target_exists):
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    if target_exists:
        target.write_bytes(b"old")
    write_report(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_report_is_written_into_a_named_pipe(tmp_path):
    path, received = tmp_path / "pipe", []
    os.mkfifo(path)
    thread = read_pipe(path, received)
    write_report(path, b"new")
    thread.join()
    assert received == [b"new"]
    assert path.is_fifo()


def test_report_is_written_into_a_process_substitution(tmp_path):
    """The shell passes ``>(cat)`` as a path such as /dev/fd/63."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as file:
        write_report(Path(f"/dev/fd/{writer}"), b"new")
        os.close(writer)
        assert file.read() == b"new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can create devices")
def test_device_stays_a_device(tmp_path):
    path = tmp_path / "null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.read_bytes()
    except OSError:
        pytest.skip("this file system has no devices")
    assert can_write(path)
    write_report(path, b"new")
    assert stat.S_ISCHR(path.stat().st_mode)


def test_report_is_appended_to_a_redirected_stdout(tmp_path):
    """``--summary /dev/stdout > file`` keeps what the run has written to stdout."""
    path = tmp_path / "out"
    with path.open("wb") as out:
        out.write(b"statements\n")
        out.flush()
        write_report(Path(f"/dev/fd/{out.fileno()}"), b"summary\n")
    assert path.read_bytes() == b"statements\nsummary\n"


def test_unwritable_paths_are_known_before_the_run(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (tmp_path, loop, tmp_path / "missing" / "summary.json"):
        assert not can_write(path)
    assert can_write(tmp_path / "new")


def test_failed_report_leaves_no_partial_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(DestinationUnavailable, match="write"):
        write_report(tmp_path / "missing" / "summary.json", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
