"""The same log gives the same statements from any source and in any destination."""

from __future__ import annotations

import gzip
import json

import pytest
from backports import zstd


def sorted_statements(*contents: bytes) -> list[bytes]:
    return sorted(line for content in contents for line in content.splitlines())


@pytest.fixture
def expected(replay, source, tmp_path):
    """The statements that a dry run logs."""
    logged = tmp_path / "expected"
    replay(*source, "--dry_run", "--log_to", f"file:{logged}", "--log_format", "raw")
    statements = sorted_statements(logged.read_bytes())
    assert len(statements) > 200
    return statements


KEEP = ["--add_external_ids", "no", "--log_to", "null"]


def test_from_folder_to_folder(replay, source, expected, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    place = json.dumps({"key": str(tmp_path), "container": "out"})
    replay(*source, "--destination_provider", "LOCAL", "--destination_config", place, "--batch_size", "100", *KEEP)
    assert sorted_statements(*(path.read_bytes() for path in out.glob("xapi_*"))) == expected


@pytest.mark.parametrize("provider", ["S3", "MINIO"])
def test_from_bucket_to_bucket(replay, s3, sample_log, expected, provider):
    half = sample_log.index(b"\n", len(sample_log) // 2) + 1
    s3.write("logs/tracking.log", sample_log[:half])
    s3.write("logs/tracking.log.1.gz", gzip.compress(sample_log[half:]))
    config = {**s3.config, **({"region": "us-east-1"} if provider == "S3" else {})}
    arguments = [
        *("--source_provider", provider, "--source_config", json.dumps({**config, "prefix": "/logs"})),
        *("--destination_provider", provider),
        *("--destination_config", json.dumps({**config, "prefix": "made/", "compression": "zstd"})),
    ]
    replay(*arguments, "--batch_size", "100", *KEEP)
    made = [name for name in s3.names() if name.endswith(".zst")]
    assert sorted_statements(*(zstd.decompress(s3.read(name)) for name in made)) == expected
    (run,) = json.loads(s3.read("made/manifest.json"))["runs"]
    assert sorted(f"made/{output['name']}" for output in run["outputs"]) == made


def test_from_a_pipe_to_stdout(fresh_shell, sample_log, expected):
    arguments = ["transform_tracking_logs", "--transformer_type", "xapi", "--source_provider", "STDIN", "--dry_run"]
    done = fresh_shell(*arguments, "--log_format", "raw", stdin=gzip.compress(sample_log))
    assert done.returncode == 0, done.stderr
    assert sorted_statements(done.stdout) == expected
