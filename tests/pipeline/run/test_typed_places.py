"""Whole runs with sources and destinations as people type them, on real servers: S3, Ralph and ClickHouse."""

from __future__ import annotations

import gzip
import json
import os
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def bucket(s3, sample_log, monkeypatch):
    """The URL of a bucket with the sample log in two objects, below ``logs/``."""
    half = sample_log.index(b"\n", len(sample_log) // 2) + 1
    s3.write("logs/a.log", sample_log[:half])
    s3.write("logs/b.log", sample_log[half:])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{s3.host}:{s3.port}")
    return f"s3://{s3.container}"


def test_from_a_bucket_and_a_folder_to_a_bucket(replay, bucket, s3, logs):
    report = replay(f"{bucket}/logs/", str(logs), "--to", f"{bucket}/out?compression=gzip")
    assert report.complete
    assert [*report.objects] == [f"{logs}/tracking.log", f"{bucket}/logs/a.log", f"{bucket}/logs/b.log"]
    folder, first, second = report.objects.values()
    assert first.statements + second.statements == folder.statements > 200
    names = [name for name in s3.names() if name.startswith("out/")]
    assert len(names) == 4
    assert "out/manifest.json" in names
    again = replay(f"{bucket}/logs/*.log", "--to", f"{bucket}/out?compression=gzip")
    assert [*again.objects] == [f"{bucket}/logs/a.log", f"{bucket}/logs/b.log"]
    assert [name for name in s3.names() if name.startswith("out/")] == names


def test_to_an_lrs_with_a_user_in_the_url(replay, logs, ralph, monkeypatch):
    monkeypatch.setenv("LRS_PASSWORD", ralph.password)
    place = urlsplit(ralph.url)
    to = f"{place.scheme}://{ralph.username}@{place.netloc}{place.path}"
    more = ["--add_external_ids", "no", "--event", "play_video", "--sleep_between_batches_secs", "0"]
    report = replay(str(logs), "--to", to, *more)
    assert report.complete
    assert report.total.delivered + report.total.duplicate == report.total.statements > 0


def test_to_clickhouse_and_gaps(fresh_shell, logs, clickhouse, tmp_path):
    place = urlsplit(clickhouse.url)
    to = f"clickhouse://{clickhouse.username}@{place.netloc}/replayed?secure=no"
    fresh_shell.environment["CLICKHOUSE_PASSWORD"] = clickhouse.password
    done = fresh_shell("replay", str(logs), "--to", to, "--create_tables")
    assert done.returncode == 0, done.stderr
    gaps = fresh_shell("gaps", str(logs), "--to", to, "--json", str(tmp_path / "gaps.json"), "--fail_if_missing")
    assert gaps.returncode == 0, gaps.stderr
    total = json.loads((tmp_path / "gaps.json").read_text())["total"]
    assert (total["missing"], total["present"] > 200) == (0, True)


def statements(folder):
    """Return the statements in the files of a folder, sorted."""
    return sorted(line for path in folder.glob("*.log") for line in path.read_bytes().splitlines())


def test_rows_of_tracking_give_the_statements_of_the_files(fresh_shell, logs, clickhouse, tmp_path):
    place = urlsplit(clickhouse.url)
    url = f"clickhouse://{clickhouse.username}@{place.netloc}/replayed"
    fresh_shell.environment["CLICKHOUSE_PASSWORD"] = clickhouse.password
    embedded = ["--source_provider", "CLICKHOUSE", "--source_config", '{"database": "openedx"}']
    for arguments in (
        [str(logs), "--to", f"{url}?secure=no", "--create_tables", "--tracking"],
        [str(logs), "--to", "clickhouse", "--create_tables", "--tracking"],
        [str(logs), "--to", str(tmp_path / "files")],
        [f"{url}/_tracking?secure=no", "--to", str(tmp_path / "rows"), "--workers", "2"],
        [*embedded, "--to", str(tmp_path / "embedded")],
        # Again: each hour has the same bytes, and gives the same files.
        [*embedded, "--to", str(tmp_path / "embedded"), "--unit_size", "100KB"],
    ):
        done = fresh_shell("replay", *arguments)
        assert done.returncode == 0, done.stderr
    expected = statements(tmp_path / "files")
    assert len(expected) > 200
    assert statements(tmp_path / "rows") == statements(tmp_path / "embedded") == expected
    inspected = fresh_shell(
        "inspect", f"{url}/_tracking?secure=no&since=2026-03-01", "--json", str(tmp_path / "report")
    )
    assert inspected.returncode == 0, inspected.stderr
    assert "problem_check" in (tmp_path / "report").read_text()


@pytest.fixture
def wrapped(tmp_path, sample_log):
    """A folder with the sample log as Docker's json-file has it, plain and compressed."""
    lines = sample_log.decode(errors="surrogateescape").splitlines(keepends=True)
    text = "".join(json.dumps({"log": line, "stream": "stderr"}) + "\n" for line in lines).encode()
    folder = tmp_path / "wrapped"
    folder.mkdir()
    (folder / "plain.log").write_bytes(text)
    (folder / "packed.log").write_bytes(gzip.compress(text * 3))
    return folder


UNWRAP = ["--source_config", '{"unwrap": true}']


def test_wrapped_logs_are_replayed_from_files_and_buckets(fresh_shell, logs, wrapped, s3, bucket, tmp_path):
    s3.write("docker/plain.log", (wrapped / "plain.log").read_bytes())
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")
    fresh_shell.environment.update({name: os.environ[name] for name in names})
    for arguments in (
        [str(logs), "--to", str(tmp_path / "files")],
        [str(wrapped / "plain.log"), *UNWRAP, "--to", str(tmp_path / "unwrapped")],
        [f"{bucket}/docker/", *UNWRAP, "--to", str(tmp_path / "from-bucket")],
    ):
        done = fresh_shell("replay", *arguments)
        assert done.returncode == 0, done.stderr
    expected = statements(tmp_path / "files")
    assert len(expected) > 200
    assert statements(tmp_path / "unwrapped") == statements(tmp_path / "from-bucket") == expected


@pytest.mark.parametrize("sample", ["all", "40%"])
def test_a_sample_of_wrapped_logs_finds_their_events(fresh_shell, wrapped, sample_log, tmp_path, sample):
    done = fresh_shell("inspect", str(wrapped), *UNWRAP, "--sample", sample, "--json", str(tmp_path / "report"))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "report").read_text())
    lines = 4 * sample_log.count(b"\n")
    assert found["contents"]["lines"] == pytest.approx(lines, rel=0.5 if sample == "40%" else 0.01)
    assert "problem_check" in json.dumps(found)
