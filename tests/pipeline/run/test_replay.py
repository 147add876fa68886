"""Whole runs in this process, from a log to its destination."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import asdict

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from log_replay.errors import ConfigurationError
from log_replay.records import Delivery, statement_count
from log_replay.sinks.discard import Discard

FOLDER = ["--destination_provider", "LOCAL", "--destination_config"]


def local(folder, **more) -> str:
    return json.dumps({"key": str(folder.parent), "container": folder.name, **more})


def statements_in(folder) -> list[bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    return [line for path in files for line in path.read_bytes().splitlines()]


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_a_dry_run_logs_every_statement_and_stores_nothing(replay, source, out, tmp_path):
    logged = tmp_path / "logged"
    report = replay(*source, *FOLDER, local(out), "--dry_run", "--log_to", f"file:{logged}", "--log_format", "raw")
    assert report.total.statements == len(logged.read_bytes().splitlines()) > 200
    assert list(out.iterdir()) == []


def test_a_dry_run_never_sleeps(replay, source, monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    replay(*source, "--dry_run", "--log_to", "null", "--batch_size", "1", "--sleep_between_batches_secs", "60")
    assert sum(pauses) == 0


@pytest.mark.parametrize("batch_size", [1, 7, 100, 241, 10000])
def test_files_have_the_logged_statements_for_any_batch_size(replay, source, out, tmp_path, batch_size):
    logged = tmp_path / "logged"
    where = [*FOLDER, local(out, prefix="2026/"), "--log_to", f"file:{logged}", "--log_format", "raw"]
    report = replay(*source, *where, "--batch_size", str(batch_size))
    assert statements_in(out) == logged.read_bytes().splitlines()
    assert report.total.delivered == report.total.statements
    files = list(out.rglob("*.log"))
    assert len(files) == -(-report.total.transformed // batch_size)


def test_running_again_changes_nothing(replay, source, out):
    where = [*FOLDER, local(out), "--batch_size", "100"]
    replay(*source, *where, "--add_external_ids", "no")
    first = {path.name: path.read_bytes() for path in out.glob("xapi_*")}
    replay(*source, *where, "--add_external_ids", "no")
    assert {path.name: path.read_bytes() for path in out.glob("xapi_*")} == first


def test_own_output_files_are_not_read_as_logs(replay, source, logs):
    replay(*source, *FOLDER, local(logs))
    report = replay(*source, *FOLDER, local(logs))
    assert list(report.objects) == ["tracking.log"]
    assert {skipped.reason for skipped in report.skipped} == {"own output"}


def test_counters_are_balanced_for_each_object_and_in_all(replay, source, logs):
    (logs / "tracking.log.1").write_bytes(b"\n\nnonsense\n")
    report = replay(*source, "--destination_provider", "LOGGER", "--log_to", "null")
    assert report.total.balanced
    assert report.total.lines == sum(counters.lines for counters in report.objects.values())
    assert all(counters.balanced for counters in report.objects.values())


def test_identical_logs_are_counted_separately(replay, source, logs, sample_log):
    """Even if one batch delivers both."""
    (logs / "tracking.log.1").write_bytes(sample_log)
    report = replay(*source, "--destination_provider", "LOGGER", "--log_to", "null")
    assert len(report.objects) == 2
    assert all(counters.balanced for counters in report.objects.values())


@pytest.mark.usefixtures("sample_identities")
@examples(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from(range(380))), max_size=20), st.randoms())
def test_no_content_of_a_log_can_end_a_run(replay, logs, source, sample_log, pieces, random):
    """Lines of the sample, some with a wrong byte, and random bytes: each line is counted once."""
    lines = sample_log.split(b"\n")
    content = [b"{}"]  # without the first bytes of a compressed or UTF-16 object
    for piece in pieces:
        line = piece if isinstance(piece, bytes) else bytearray(lines[piece])
        if isinstance(line, bytearray) and line and random.random() < 0.5:
            line[random.randrange(len(line))] = random.randrange(256)
        content.append(bytes(line))
    (logs / "tracking.log").write_bytes(b"\n".join(content) or b"\n")
    report = replay(*source, "--destination_provider", "LOGGER", "--log_to", "null", "--batch_size", "3")
    assert report.total.balanced
    assert report.complete
    written = b"\n".join(content) or b"\n"
    assert report.total.lines == len(written.split(b"\n")) - written.endswith(b"\n")


def test_damaged_object_fails_and_the_run_continues(replay, source, logs, sample_log):
    (logs / "a.log.gz").write_bytes(gzip.compress(sample_log)[:-2000])
    report = replay(*source, "--destination_provider", "LOGGER", "--log_to", "null")
    assert list(report.failed_objects) == ["a.log.gz"]
    assert "offset" in report.failed_objects["a.log.gz"]
    assert report.objects["a.log.gz"].transformed > 0
    assert report.objects["tracking.log"].transformed > 0
    assert not report.complete
    assert report.total.balanced


def test_block_with_many_users_needs_two_queries(replay, source, logs, settings):
    from log_replay.standalone.embedded import load_identities
    from tests import generate_log

    load_identities(generate_log.identities(users=5000, courses=20))
    lines = list(generate_log.lines(count=11_500, known=1.0, users=5000, courses=20, seed=1))
    (logs / "tracking.log").write_bytes(b"".join(lines))
    blocks = -(-sum(map(len, lines)) // (1 << 20))
    with CaptureQueriesContext(connection) as queries:
        report = replay(*source, "--destination_provider", "LOGGER", "--log_to", "null")
    assert report.total.transformed > 10_000
    assert len(queries) <= 2 * blocks + 1  # one more for the type of external id


def test_events_outside_the_filters_are_counted_as_filtered(replay, source):
    report = replay(*source, "--dry_run", "--log_to", "null", "--event", "edx.video.*", "--since", "2026-03-03")
    assert all(name.startswith("edx.video.") for name in report.statements_by_event)
    assert report.total.filtered > report.total.known > 0


def test_rejects_file_has_the_position_of_each_reject(replay, source, logs, tmp_path):
    rejects = tmp_path / "rejects.jsonl"
    report = replay(*source, "--dry_run", "--log_to", "null", "--rejects", str(rejects))
    listed = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert len(listed) == report.rejects == report.total.rejected + report.total.unparsable
    log = (logs / "tracking.log").read_bytes()
    for reject in listed:
        assert set(reject) == {"object", "offset", "reason", "event"}
        assert reject["offset"] == 0 or log[reject["offset"] - 1 : reject["offset"]] == b"\n"
        if reject["event"]:
            assert reject["event"].encode() in log[reject["offset"] :].split(b"\n")[0]
    assert rejects.stat().st_mode & 0o077 == 0


def test_source_without_logs_is_a_usage_error(replay, logs, source):
    config = json.dumps({"key": str(logs.parent), "container": logs.name, "prefix": "nothing"})
    with pytest.raises(ConfigurationError, match="no logs to replay"):
        replay("--source_provider", "LOCAL", "--source_config", config, "--dry_run", "--log_to", "null")


def test_max_line_bytes_takes_the_name_of_a_transport(replay, source):
    report = replay(*source, "--dry_run", "--log_to", "null", "--max_line_bytes", "docker")
    assert report.over_line_limit.over == 0


def test_summary_has_no_learner_data(replay, source, sample_identities):
    summary = json.dumps(replay(*source, "--dry_run", "--log_to", "null").as_dict(), ensure_ascii=False)
    for user in sample_identities["users"]:
        assert user["username"] not in summary
        assert user["email"] not in summary


def test_summary_has_every_counter(replay, source):
    report = replay(*source, "--destination_provider", "LOGGER", "--log_to", "null")
    assert report.as_dict()["total"] == asdict(report.total)
    dry = replay(*source, "--dry_run", "--log_to", "null").as_dict()["total"]
    assert {**dry, "delivered": dry["would_be_delivered"]}.items() >= report.as_dict()["total"].items()


@pytest.mark.parametrize("rest", [[], ["--sleep_between_batches_secs", "0.01"]], ids=["block by block", "in batches"])
def test_statements_that_cannot_be_logged_count_as_failed(replay, source, rest):
    report = replay(*source, "--destination_provider", "LOGGER", "--log_to", "file:/dev/full", *rest)
    assert "No space left" in report.stopped
    assert report.total.failed == report.total.statements > 0
    assert report.total.balanced


def test_counters_that_do_not_add_up_end_with_an_error(source, sample_identities, tmp_path, monkeypatch, capfd):
    def lose_one(_self, batch):
        return Delivery(outcomes=["delivered"] * (statement_count(batch) - 1))

    monkeypatch.setattr(Discard, "deliver", lose_one)
    summary = tmp_path / "summary.json"
    arguments = ["--transformer_type", "xapi", *source, "--destination_provider", "LOGGER", "--log_to", "null"]
    in_batches = ["--sleep_between_batches_secs", "0.001", "--summary", str(summary)]
    with pytest.raises(CommandError, match="the counters do not add up") as caught:
        call_command("replay_tracking_logs", *arguments, *in_batches)
    assert caught.value.returncode == 1
    told = json.loads(summary.read_text())
    statements, delivered = told["total"]["statements"], told["total"]["delivered"]
    equation = f"statements {statements} is not delivered {delivered} + duplicate 0 + unrouted 0 + failed 0"
    assert statements == delivered + 1
    assert told["imbalances"] == {"tracking.log": [equation]}
    assert not told["complete"]
    errors = capfd.readouterr().err
    assert f"ERROR the counters of tracking.log do not add up: {equation}" in " ".join(errors.split())


@pytest.mark.parametrize("batches", [[], ["--batch_size", "7"]], ids=["logs only", "into files"])
def test_full_rejects_file_leaves_counters_balanced(replay, source, out, batches):
    where = [*FOLDER, local(out)] if batches else ["--destination_provider", "LOGGER", "--log_to", "null"]
    report = replay(*source, *where, *batches, "--rejects", "/dev/full")
    assert "No space left" in report.stopped
    assert report.total.statements > 0
    assert report.total.balanced
