from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import libcloud.common.exceptions
import libcloud.common.types
import libcloud.storage.types
import pytest
import requests
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sinks.scripted_server import Answer
from sinks.statement_batches import batch_of, event, texts, xapi

from log_replay.errors import ConfigurationError, DestinationLost
from log_replay.names import is_own_output
from log_replay.sinks import open_sink
from log_replay.sinks.bucket import _FOREIGN, Bucket
from log_replay.sinks.files import FileSink
from log_replay.sinks.folder import Folder
from log_replay.sinks.retries import Patience

KEY = "0123456789ab"
HASTY = Patience(retries=2, first_pause_seconds=0.001)


def opened(folder: Path, *, key: str = KEY, transformer_type: str = "xapi", **config) -> FileSink:
    """Open a LOCAL sink on ``folder``."""
    config = {"key": str(folder.parent), "container": folder.name, **config}
    return open_sink("LOCAL", config, transformer_type=transformer_type, key=key)


def written(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder by their paths in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def server_config(server) -> dict[str, Any]:
    """Return what libcloud needs to know of a scripted server."""
    return {"key": "k", "secret": "s", "host": "127.0.0.1", "port": server.port, "secure": False}


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_names_sort_in_the_order_of_the_batches(out):
    sink = opened(out)
    all_batches = [batch_of(1) for _ in range(3)]
    for batch in all_batches:
        sink.deliver(batch)
    assert list(written(out).items()) == [
        (f"xapi_{KEY}_{index:08d}.log", texts(batch)[0] + b"\n") for index, batch in enumerate(all_batches)
    ]


@pytest.mark.parametrize(
    ("compression", "suffix", "expand"),
    [(None, "", bytes), ("gzip", ".gz", gzip.decompress), ("zstd", ".zst", zstd.decompress)],
)
def test_a_batch_is_json_lines_in_the_compression_asked_for(out, compression, suffix, expand):
    batch = batch_of(50)
    opened(out, compression=compression).deliver(batch)
    (content,) = written(out).values()
    assert list(written(out)) == [f"xapi_{KEY}_00000000.log{suffix}"]
    assert expand(content) == b"".join(text + b"\n" for text in texts(batch))


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_a_repeat_gives_the_same_bytes_under_the_same_names(out, compression):
    batch, snapshots = batch_of(20), []
    for _ in range(2):
        sink = opened(out, compression=compression)
        sink.deliver(batch)
        sink.close(complete=True)
        snapshots.append(written(out))
    assert snapshots[0] == snapshots[1]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(counts=st.lists(st.integers(min_value=0, max_value=4), max_size=8))
def test_any_batches_give_their_statements_in_order_and_nothing_for_empty_ones(tmp_path_factory, counts):
    folder = tmp_path_factory.mktemp("out")
    sink = opened(folder)
    all_batches = [[event(*(xapi() for _ in range(count)))] for count in counts]
    for batch in all_batches:
        sink.deliver(batch)
    assert b"".join(written(folder).values()) == b"".join(t + b"\n" for batch in all_batches for t in texts(batch))
    assert len(written(folder)) == sum(count > 0 for count in counts)


def test_the_manifest_says_what_was_written(out):
    sink = opened(out, compression="gzip", prefix="a/b")
    sink.deliver([event(xapi(), xapi(), offset=0), event(xapi(), offset=1000)])
    assert not (out / "a/b/manifest.json").exists()
    sink.close(complete=True)
    name = f"xapi_{KEY}_00000000.log.gz"
    stored = (out / "a/b" / name).read_bytes()
    manifest = json.loads((out / "a/b/manifest.json").read_bytes())
    (run,) = manifest["runs"]
    assert run.pop("created").endswith("+00:00")
    assert run.pop("log_replay_version")
    assert run == {
        "key": KEY,
        "transformer_type": "xapi",
        "compression": "gzip",
        "outputs": [
            {
                "name": name,
                "events": 2,
                "statements": 3,
                "bytes": len(stored),
                "sha256": hashlib.sha256(stored).hexdigest(),
                "first": {"object": "tracking.log", "offset": 0},
                "last": {"object": "tracking.log", "offset": 1000},
            }
        ],
    }


def test_the_manifest_keeps_other_runs_and_replaces_its_own(out):
    for key, count in [("aaaaaaaaaaaa", 1), ("bbbbbbbbbbbb", 1), ("aaaaaaaaaaaa", 2)]:
        sink = opened(out, key=key)
        for _ in range(count):
            sink.deliver(batch_of(1))
        sink.close(complete=True)
    runs = json.loads((out / "manifest.json").read_bytes())["runs"]
    assert [(run["key"], len(run["outputs"])) for run in runs] == [("aaaaaaaaaaaa", 2), ("bbbbbbbbbbbb", 1)]


@pytest.mark.parametrize("complete", [True, False])
def test_a_run_that_is_incomplete_or_wrote_nothing_writes_no_manifest(out, complete):
    sink = opened(out)
    if not complete:
        sink.deliver(batch_of(1))
    sink.close(complete=complete)
    assert "manifest.json" not in written(out)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"files": []}', b'{"manifest_version": 2, "runs": []}'])
def test_a_manifest_of_somebody_else_is_left_alone(out, content):
    (out / "manifest.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"manifest\.json: .* no manifest of ours"):
        opened(out).check()
    assert (out / "manifest.json").read_bytes() == content


def test_all_names_are_ones_that_sources_skip(out):
    sink = opened(out, compression="zstd")
    sink.deliver(batch_of(1))
    sink.close(complete=True)
    assert all(is_own_output(name) for name in written(out))


def test_transformer_types_do_not_collide(out):
    for transformer_type in ("xapi", "caliper"):
        opened(out, transformer_type=transformer_type).deliver(batch_of(1))
    assert list(written(out)) == [f"caliper_{KEY}_00000000.log", f"xapi_{KEY}_00000000.log"]


@pytest.mark.parametrize(
    ("provider", "config", "message"),
    [
        ("LOCAL", {"container": "out"}, "LOCAL needs a key"),
        ("LOCAL", {"key": "{tmp}"}, "needs a container"),
        ("LOCAL", {"key": "{tmp}", "container": 3}, "container is no string"),
        ("LOCAL", {"key": "{tmp}", "container": "../out"}, "name of one folder"),
        ("LOCAL", {"key": "{tmp}", "container": ".."}, "name of one folder"),
        ("LOCAL", {"key": "{tmp}", "container": "out", "prefix": "a/../../b"}, "is no path"),
        ("LOCAL", {"key": "{tmp}", "container": "out", "prefix": "a\0"}, "is no path"),
        ("LOCAL", {"key": "{tmp}", "container": "out", "compression": "bzip2"}, "unknown compression 'bzip2'"),
        ("LOCAL", {"key": "{tmp}", "container": "out", "prefx": "a"}, "does not know prefx"),
        ("MINIO", {"key": "AKIA3", "secret": "s3cret", "container": "c"}, "host argument is required"),
        ("MINIO", {"key": "AKIA3", "host": "h", "container": "c", "regoin": "x"}, "regoin"),
        ("S3", {"key": "AKIA3", "secret": "s3cret", "container": "c", "region": "moon-1"}, "moon-1"),
        ("NOWHERE", {}, "unknown provider 'NOWHERE'"),
        ("minio", {}, "unknown provider 'minio'"),
    ],
)
def test_a_configuration_that_cannot_be_right_is_refused_at_once(tmp_path, provider, config, message):
    (tmp_path / "out").mkdir()
    filled = {name: str(tmp_path) if value == "{tmp}" else value for name, value in config.items()}
    with pytest.raises(ConfigurationError, match=message):
        open_sink(provider, filled, transformer_type="xapi", key=KEY)


def test_a_container_that_does_not_exist_is_not_created(tmp_path):
    with pytest.raises(ConfigurationError, match="the container does not exist"):
        opened(tmp_path / "missing").check()
    assert written(tmp_path) == {}


def test_a_file_in_the_way_of_the_prefix_is_found_by_the_check(out):
    (out / "a").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="Not a directory"):
        opened(out, prefix="a/b").check()


@pytest.fixture
def as_nobody():
    """Give up root's right to write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_container_without_the_right_to_write_is_found_by_the_check(mode, request):
    with tempfile.TemporaryDirectory() as folder:
        container = Path(folder) / "out"
        container.mkdir()
        container.chmod(mode)
        Path(folder).chmod(0o755)
        request.getfixturevalue("as_nobody")
        with pytest.raises(ConfigurationError, match=r"Permission denied \(give this user the right to write there\)"):
            opened(container, prefix="a").check()
        if os.getuid() == 0:
            os.seteuid(0)


def test_links_inside_the_container_are_followed_but_never_out_of_it(tmp_path, out):
    (out / "inside").mkdir()
    (out / "to-inside").symlink_to("inside")
    (tmp_path / "outside").mkdir()
    (out / "to-outside").symlink_to("../outside")
    opened(out, prefix="to-inside").deliver(batch_of(1))
    assert len(written(out / "inside")) == 1
    sink = opened(out, prefix="to-outside/a")
    with pytest.raises(ConfigurationError, match="leads out of the container"):
        sink.check()
    with pytest.raises(DestinationLost, match="leads out of the container"):
        sink.deliver(batch_of(1))
    assert written(tmp_path / "outside") == {}


def test_a_link_in_the_place_of_an_output_is_replaced_not_followed(tmp_path, out):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (out / f"xapi_{KEY}_00000000.log").symlink_to(victim)
    opened(out).deliver(batch_of(1))
    assert victim.read_bytes() == b"precious"


def test_a_container_that_vanishes_ends_the_run_and_is_not_created_anew(out):
    sink = opened(out, prefix="a")
    sink.check()
    out.rmdir()
    with pytest.raises(DestinationLost, match="No such file"):
        sink.deliver(batch_of(1))
    assert not out.exists()


FULL_DISK = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
from sinks.statement_batches import batch_of
from log_replay.errors import DestinationLost
from log_replay.sinks import open_sink

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
config = {"key": sys.argv[1], "container": "out", "compression": sys.argv[3] or None}
sink = open_sink("LOCAL", config, transformer_type="xapi", key="0123456789ab")
sink.deliver(batch_of(1))
try:
    sink.deliver(batch_of(500))
except DestinationLost as error:
    print(error)
"""


@pytest.mark.parametrize("compression", ["", "gzip", "zstd"])
def test_a_full_disk_is_said_and_leaves_whole_files_only(tmp_path, out, compression):
    """A limit on the size of files stands in for the full disk: both fail in the middle of a write."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(Path(__file__).parents[1]), compression]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"write {out}/xapi_{KEY}_00000001.log" in run.stdout
    assert "File too large" in run.stdout
    (name,) = written(out)
    assert name.startswith(f"xapi_{KEY}_00000000.log")


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from sinks.statement_batches import batch_of
from log_replay.sinks import open_sink

sink = open_sink("LOCAL", {"key": sys.argv[1], "container": "out"}, transformer_type="xapi", key="0123456789ab")
batch = batch_of(2000)
print("ready", flush=True)
while True:
    sink.deliver(batch)
"""


def test_a_kill_leaves_no_partial_file_under_a_final_name(tmp_path, out):
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parents[1])]
    for after_files in (1, 2, 3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()
        # Killed while a batch is being written: its temporary file is there.
        while len(list(out.glob("xapi_*"))) < after_files or not list(out.glob(".xapi_*")):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert all(is_own_output(name) for name in written(out))
        finals = {name: text for name, text in written(out).items() if not name.startswith(".")}
        assert all(text.count(b"\n") == 2000 and text.endswith(b"\n") for text in finals.values())
        for path in out.iterdir():
            path.unlink()


class TestBucket:
    """What only buckets do; the scripted server stands in for an S3 that misbehaves."""

    def sink(self, server, patience=HASTY):
        bucket = Bucket("MINIO", server_config(server), "logs", patience=patience)
        return FileSink(bucket, transformer_type="xapi", key=KEY)

    def stored(self, content: bytes) -> Answer:
        return Answer(200, {"ETag": f'"{hashlib.md5(content).hexdigest()}"'}, b"")

    @pytest.mark.parametrize(
        "trouble",
        [Answer(503), Answer(500, body=b"<Error/>"), Answer(429, {"Retry-After": "0"}), Answer(reset=True)],
        ids=["503", "500", "429", "reset"],
    )
    def test_what_may_pass_is_tried_again(self, server, trouble):
        batch = batch_of(1)
        server.script = [Answer(200), trouble, self.stored(texts(batch)[0] + b"\n")]
        assert self.sink(server).deliver(batch).delivered == 1
        puts = [asked for asked in server.asked if asked.method == "PUT"]
        assert [asked.body for asked in puts] == [texts(batch)[0] + b"\n"] * 2

    def test_what_does_not_pass_ends_the_run(self, server):
        server.script = [Answer(200), Answer(503)]
        with pytest.raises(DestinationLost, match=r"write MINIO logs/xapi_.*503.*\(3 attempts\)"):
            self.sink(server).deliver(batch_of(1))

    def test_an_object_that_arrives_otherwise_than_it_was_sent_is_sent_again(self, server):
        batch = batch_of(1)
        server.script = [Answer(200), self.stored(b"garbled"), Answer(200), self.stored(texts(batch)[0] + b"\n")]
        assert self.sink(server).deliver(batch).delivered == 1

    def test_access_denied_is_found_by_the_check_and_says_no_secret(self, server):
        server.script = [Answer(403, body=b"<Error><StringToSign>topsecret</StringToSign></Error>")]
        with pytest.raises(ConfigurationError, match="access denied") as caught:
            self.sink(server).check()
        assert "topsecret" not in str(caught.value)

    def test_a_refused_connection_is_found_by_the_check(self, server):
        server.stop()
        with pytest.raises(ConfigurationError, match="find MINIO logs: no connection"):
            self.sink(server).check()

    def test_a_bucket_of_another_region_is_found_by_the_check(self, server):
        server.script = [Answer(301, {"x-amz-bucket-region": "eu-west-1"})]
        bucket = Bucket("S3", {**server_config(server), "region": "us-east-1"}, "logs")
        with pytest.raises(ConfigurationError, match=r'eu-west-1.*set "region"'):
            bucket.check("probe")

    @pytest.mark.parametrize(
        "module", [libcloud.common.exceptions, libcloud.common.types, libcloud.storage.types, requests.exceptions]
    )
    def test_every_error_of_libcloud_and_requests_is_translated(self, module):
        errors = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Exception)]
        untranslated = [each for each in errors if not issubclass(each, (*_FOREIGN, Warning))]
        assert [each for each in untranslated if each is not Exception] == []

    def test_a_container_that_does_not_exist_is_found_by_the_check(self, s3):
        config = {**s3.config, "container": "missing-bucket"}
        with pytest.raises(ConfigurationError, match="the container does not exist"):
            open_sink("MINIO", config, transformer_type="xapi", key=KEY).check()

    def test_a_container_that_vanishes_ends_the_run(self, s3):
        sink = open_sink("MINIO", s3.config, transformer_type="xapi", key=KEY)
        sink.check()
        requests.delete(s3.url, timeout=30).raise_for_status()
        with pytest.raises(DestinationLost, match="the container does not exist"):
            sink.deliver(batch_of(1))

    def test_an_upload_without_an_answer_times_out(self, server, monkeypatch):
        monkeypatch.setattr("log_replay.sinks.bucket._TIMEOUT_SECONDS", (1, 0.1))
        server.script = [Answer(200), Answer(delay_seconds=0.5)]
        with pytest.raises(DestinationLost, match="no answer in time"):
            self.sink(server, Patience(retries=0)).deliver(batch_of(1))

    def test_the_manifest_keeps_other_runs(self, s3):
        for key in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
            sink = open_sink("S3", {**s3.config, "region": "us-east-1"}, transformer_type="xapi", key=key)
            sink.deliver(batch_of(1))
            sink.close(complete=True)
        runs = json.loads(s3.read("manifest.json"))["runs"]
        assert [run["key"] for run in runs] == ["aaaaaaaaaaaa", "bbbbbbbbbbbb"]

    def test_odd_prefixes_arrive_as_they_are(self, s3):
        sink = open_sink("MINIO", {**s3.config, "prefix": "ü b+c/%41"}, transformer_type="xapi", key=KEY)
        sink.check()
        sink.deliver(batch_of(1))
        sink.close(complete=True)
        assert s3.names() == ["ü b+c/%41/manifest.json", f"ü b+c/%41/xapi_{KEY}_00000000.log"]


def test_a_spool_without_room_is_said(server, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(DestinationLost, match=r"spool .*missing"):
        TestBucket().sink(server).deliver(batch_of(1))


def interrupted(store) -> None:
    with store.replacing("a") as file:
        file.write(b"half of")
        raise KeyboardInterrupt


def test_an_interrupted_batch_leaves_nothing(out, server):
    sinks = {Folder({"key": str(out.parent)}, "out"): [], Bucket("MINIO", server_config(server), "logs"): server.asked}
    for store, requested in sinks.items():
        with pytest.raises(KeyboardInterrupt):
            interrupted(store)
        assert requested == []
    assert list(out.iterdir()) == []


def test_a_folder_reads_what_it_wrote(out):
    folder = Folder({"key": str(out.parent)}, "out")
    assert folder.read("a") is None
    with folder.replacing("a") as file:
        file.write(b"content")
    assert folder.read("a") == b"content"
