"""Outputs in a folder: permissions, links, full disks and killed runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.sinks.files.folder import Folder
from log_replay.storage.output_names import is_own_output
from tests.support.outputs import opened, output_name, written
from tests.support.paths import ROOT
from tests.support.statement_batches import batch_of


def test_missing_container_is_created_with_the_first_file(tmp_path):
    sink = opened(tmp_path / "missing", prefix="a")
    sink.check()
    assert list(tmp_path.iterdir()) == []
    sink.resume_from([])
    sink.deliver(batch_of(1))
    sink.close(complete=True)
    assert sorted(written(tmp_path)) == ["missing/a/manifest.json", f"missing/a/{output_name()}"]


def test_missing_key_is_not_created(tmp_path):
    with pytest.raises(ConfigurationError, match=f"write {tmp_path / 'missing'}: the folder does not exist"):
        opened(tmp_path / "missing" / "out").check()
    assert list(tmp_path.iterdir()) == []


def test_container_that_is_a_broken_link_is_refused(tmp_path):
    (tmp_path / "out").symlink_to("nowhere")
    with pytest.raises(ConfigurationError, match="the folder does not exist"):
        opened(tmp_path / "out").check()


def test_resumed_run_does_not_create_its_container_again(out):
    acknowledgement = opened(out).deliver(batch_of(1)).acknowledgement
    for path in out.iterdir():
        path.unlink()
    out.rmdir()
    sink = opened(out)
    sink.check()
    sink.resume_from([acknowledgement])
    with pytest.raises(DestinationUnavailable, match="No such file"):
        sink.deliver(batch_of(1, start=1000))
    assert not out.exists()


def test_check_reports_file_at_the_path_of_the_prefix(out):
    (out / "a").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="Not a directory"):
        opened(out, prefix="a/b").check()


@pytest.fixture
def as_nobody():
    """Drop root's permission to write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_check_reports_container_without_write_permission(mode, request):
    with tempfile.TemporaryDirectory() as folder:
        container = Path(folder) / "out"
        container.mkdir()
        container.chmod(mode)
        Path(folder).chmod(0o755)
        request.getfixturevalue("as_nobody")
        with pytest.raises(
            ConfigurationError, match=r"Permission denied \(give this user the permission to write there\)"
        ):
            opened(container, prefix="a").check()
        if os.getuid() == 0:
            os.seteuid(0)


def test_links_are_followed_only_inside_the_container(tmp_path, out):
    (out / "inside").mkdir()
    (out / "to-inside").symlink_to("inside")
    (tmp_path / "outside").mkdir()
    (out / "to-outside").symlink_to("../outside")
    opened(out, prefix="to-inside").deliver(batch_of(1))
    assert len(written(out / "inside")) == 1
    sink = opened(out, prefix="to-outside/a")
    with pytest.raises(ConfigurationError, match="leads out of the container"):
        sink.check()
    with pytest.raises(DestinationUnavailable, match="leads out of the container"):
        sink.deliver(batch_of(1))
    assert written(tmp_path / "outside") == {}


def test_link_at_the_path_of_an_output_is_replaced(tmp_path, out):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (out / output_name()).symlink_to(victim)
    opened(out).deliver(batch_of(1))
    assert victim.read_bytes() == b"precious"


def test_container_removed_during_a_run_ends_it(out):
    sink = opened(out, prefix="a")
    sink.check()
    out.rmdir()
    with pytest.raises(DestinationUnavailable, match="No such file"):
        sink.deliver(batch_of(1))
    assert not out.exists()


FULL_DISK = """
import resource, signal, sys
from tests.support.statement_batches import batch_of
from log_replay.errors import DestinationUnavailable
from log_replay.sinks import open_sink

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
config = {"key": sys.argv[1], "container": "out", "compression": sys.argv[3] or None}
sink = open_sink("LOCAL", config, transformer_type="xapi", key="0123456789ab")
sink.deliver(batch_of(1))
try:
    sink.deliver(batch_of(500, start=1000))
except DestinationUnavailable as error:
    print(error)
"""


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
def test_full_disk_is_reported_and_leaves_complete_files(tmp_path, out, compression):
    """A limit on the size of files replaces the full disk: both fail in the middle of a write."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(ROOT), compression]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"write {out}/{output_name(1000)}" in run.stdout
    assert "File too large" in run.stdout
    (name,) = written(out)
    assert name.startswith(output_name())


KILLED = """
import sys
from tests.support.statement_batches import batch_of
from log_replay.sinks import open_sink

sink = open_sink("LOCAL", {"key": sys.argv[1], "container": "out"}, transformer_type="xapi", key="0123456789ab")
print("ready", flush=True)
start = 0
while True:
    sink.deliver(batch_of(2000, start=start))
    start += 1_000_000
"""


def test_killed_run_leaves_no_partial_file_as_an_output(tmp_path, out):
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(ROOT)]
    for after_files in (1, 2, 3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()
        # Kill it while a batch is being written, when its temporary file exists.
        while len(list(out.glob("xapi_*"))) < after_files or not list(out.glob(".xapi_*")):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert all(is_own_output(name) for name in written(out))
        finals = {name: text for name, text in written(out).items() if not name.startswith(".")}
        assert all(text.count(b"\n") == 2000 and text.endswith(b"\n") for text in finals.values())
        for path in out.iterdir():
            path.unlink()


def test_folder_reads_what_it_has_written(out):
    folder = Folder(out)
    assert folder.read("a") is None
    with folder.replacing("a") as file:
        file.write(b"content")
    assert folder.read("a") == b"content"


@pytest.mark.parametrize(("nested", "found"), [(False, ["a/x_1"]), (True, ["a/b/x_2", "a/x_1"])])
def test_folder_lists_and_deletes_its_files(out, nested, found):
    folder = Folder(out)
    for name in ("a/x_1", "a/b/x_2", "a/y_1", "x_1"):
        with folder.replacing(name):
            pass
    assert folder.names("a", "x_", nested=nested) == found
    folder.delete("a/x_1")
    folder.delete("a/x_1")
    assert "a/x_1" not in folder.names("a", "x_", nested=nested)
