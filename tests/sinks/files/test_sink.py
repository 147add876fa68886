"""Content and names of output files, and their manifest."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_replay.errors import ConfigurationError
from log_replay.sinks import open_sink
from log_replay.sinks.files.bucket import Bucket
from log_replay.sinks.files.folder import Folder
from log_replay.storage.drivers import open_driver
from log_replay.storage.output_names import is_own_output
from log_replay.storage.zstd import zstd
from tests.support.outputs import KEY, opened, output_name, server_config, written
from tests.support.statement_batches import batch_of, event, texts, xapi


def test_names_sort_in_the_order_of_the_offsets(out):
    sink = opened(out)
    all_batches = {offset: batch_of(1, start=offset) for offset in (0, 999, 1000, 10**11)}
    for batch in all_batches.values():
        sink.deliver(batch)
    assert list(written(out).items()) == [
        (output_name(offset), texts(batch)[0] + b"\n") for offset, batch in all_batches.items()
    ]


def test_batch_of_several_objects_gives_a_file_for_each(out):
    batch = [event(xapi(), offset=7, name="a.log"), event(xapi(), offset=0, name="b.log"), event(xapi(), name="b.log")]
    opened(out).deliver(batch)
    assert written(out) == {
        output_name(7, name="a.log"): texts(batch)[0] + b"\n",
        output_name(0, name="b.log"): b"".join(text + b"\n" for text in texts(batch)[1:]),
    }


@pytest.mark.parametrize(
    ("compression", "suffix", "expand"),
    [(None, "", bytes), ("gzip", ".gz", gzip.decompress), ("zstd", ".zst", zstd.decompress)],
)
def test_batch_is_json_lines_in_the_given_compression(out, compression, suffix, expand):
    batch = batch_of(50)
    opened(out, compression=compression).deliver(batch)
    (content,) = written(out).values()
    assert list(written(out)) == [output_name(suffix=suffix)]
    assert expand(content) == b"".join(text + b"\n" for text in texts(batch))


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_repeated_run_writes_the_same_names_and_bytes(out, compression):
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
def test_any_batches_give_their_statements_in_order(tmp_path_factory, counts):
    folder = tmp_path_factory.mktemp("out")
    sink = opened(folder)
    all_batches = [[event(*(xapi() for _ in range(count)), offset=number)] for number, count in enumerate(counts)]
    for batch in all_batches:
        sink.deliver(batch)
    assert b"".join(written(folder).values()) == b"".join(t + b"\n" for batch in all_batches for t in texts(batch))
    assert len(written(folder)) == sum(count > 0 for count in counts)


def test_manifest_lists_what_was_written(out):
    sink = opened(out, compression="gzip", prefix="a/b")
    sink.deliver([event(xapi(), xapi(), offset=0), event(xapi(), offset=1000)])
    assert not (out / "a/b/manifest.json").exists()
    sink.close(complete=True)
    name = output_name(suffix=".gz")
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
                "object": "tracking.log",
                "first": 0,
                "last": 1000,
                "events": 2,
                "statements": 3,
                "bytes": len(stored),
                "sha256": hashlib.sha256(stored).hexdigest(),
            }
        ],
    }


def test_manifest_keeps_other_runs_and_replaces_its_own(out):
    for key, count in [("aaaaaaaaaaaa", 1), ("bbbbbbbbbbbb", 1), ("aaaaaaaaaaaa", 2)]:
        sink = opened(out, key=key)
        for number in range(count):
            sink.deliver(batch_of(1, start=number))
        sink.finish_objects({"tracking.log": True})
        sink.close(complete=True)
    runs = json.loads((out / "manifest.json").read_bytes())["runs"]
    assert [(run["key"], len(run["outputs"])) for run in runs] == [("aaaaaaaaaaaa", 2), ("bbbbbbbbbbbb", 1)]


@pytest.mark.parametrize("complete", [True, False])
def test_incomplete_or_empty_run_writes_no_manifest(out, complete):
    sink = opened(out)
    if not complete:
        sink.deliver(batch_of(1))
    sink.close(complete=complete)
    assert "manifest.json" not in written(out)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"files": []}', b'{"manifest_version": 1, "runs": []}'])
def test_foreign_manifest_is_not_overwritten(out, content):
    (out / "manifest.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"manifest\.json: .* not a manifest of this version of Log Replay"):
        opened(out).check()
    assert (out / "manifest.json").read_bytes() == content


def test_sources_skip_all_output_names(out):
    sink = opened(out, compression="zstd")
    sink.deliver(batch_of(1))
    sink.close(complete=True)
    assert all(is_own_output(name) for name in written(out))


def test_names_differ_between_transformer_types(out):
    for transformer_type in ("xapi", "caliper"):
        opened(out, transformer_type=transformer_type).deliver(batch_of(1))
    assert list(written(out)) == [output_name(transformer_type=name) for name in ("caliper", "xapi")]


@pytest.mark.parametrize(
    ("provider", "config", "message"),
    [
        ("LOCAL", {"container": "out"}, "the LOCAL destination has no key"),
        ("LOCAL", {"key": "{tmp}"}, "the destination has no container"),
        ("LOCAL", {"key": "{tmp}", "container": 3}, "the destination has no container"),
        ("LOCAL", {"key": "{tmp}", "container": "../out"}, "is not a single name"),
        ("LOCAL", {"key": "{tmp}", "container": ".."}, "is not a single name"),
        ("LOCAL", {"key": "{tmp}", "container": "out", "prefix": "a/../../b"}, "is not a valid path"),
        ("LOCAL", {"key": "{tmp}", "container": "out", "prefix": "a\0"}, "is not a valid path"),
        ("LOCAL", {"key": "{tmp}", "container": "out", "compression": "bzip2"}, "unknown compression 'bzip2'"),
        ("LOCAL", {"key": "{tmp}", "container": "out", "prefx": "a"}, "the LOCAL destination has no option prefx"),
        ("MINIO", {"key": "AKIA3", "secret": "s3cret", "container": "c"}, "host argument is required"),
        ("MINIO", {"key": "AKIA3", "host": "h", "container": "c", "regoin": "x"}, "regoin"),
        ("S3", {"key": "AKIA3", "secret": "s3cret", "container": "c", "region": "moon-1"}, "moon-1"),
        ("S3", {"key": "AKIA3", "container": "c"}, "the S3 destination has no secret"),
        ("S3", {"key": "AKIA3", "secret": "s3cret", "container": "../out"}, "'../out' of the destination is not a"),
        ("NOWHERE", {}, "unknown destination provider 'NOWHERE'"),
        ("minio", {}, "unknown destination provider 'minio'"),
    ],
)
def test_invalid_configuration_is_refused_when_it_is_read(tmp_path, provider, config, message):
    (tmp_path / "out").mkdir()
    filled = {name: str(tmp_path) if value == "{tmp}" else value for name, value in config.items()}
    with pytest.raises(ConfigurationError, match=message):
        open_sink(provider, filled, transformer_type="xapi", key=KEY)


def interrupted(store) -> None:
    with store.replacing("a") as file:
        file.write(b"half of")
        raise KeyboardInterrupt


def test_interrupted_batch_leaves_no_file(out, server):
    config = {**server_config(server), "container": "logs"}
    driver, _ = open_driver("MINIO", config, side="destination", read_timeout_seconds=60)
    sinks = {Folder(out): [], Bucket(driver, "logs", provider="MINIO"): server.asked}
    for store, requested in sinks.items():
        with pytest.raises(KeyboardInterrupt):
            interrupted(store)
        assert requested == []
    assert list(out.iterdir()) == []
