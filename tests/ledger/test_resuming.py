"""Runs with a name: resuming them, and the errors when that is not possible."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest
from django.utils import timezone

from log_replay.errors import ConfigurationError
from log_replay.models import Run, RunAcknowledgement, RunUnit

UNITS = ["--unit_size", "50KB"]


def counted(report) -> dict:
    summary = report.as_dict()
    del summary["seconds"], summary["position"], summary["run"]
    return summary


def test_resumed_run_has_the_result_of_an_uninterrupted_run(replay, interrupted, into_files, tmp_path):
    whole = replay(*into_files, *UNITS, "--rejects", str(tmp_path / "whole"))
    files = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("xapi_*")}
    for path in files:
        (tmp_path / "out" / path).unlink()
    stopped = interrupted(*into_files, "--run", "x", "--rejects", str(tmp_path / "rejects"))
    assert stopped.stopped == "interrupted"
    assert 0 < len(list((tmp_path / "out").glob("xapi_*"))) < len(files)
    resumed = replay(*into_files, *UNITS, "--run", "x", "--rejects", str(tmp_path / "rejects"))
    assert counted(resumed) == counted(whole)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("xapi_*")} == files
    listed, expected = ((tmp_path / name).read_text().splitlines() for name in ("rejects", "whole"))
    assert [json.loads(line) | {"run": ""} for line in listed] == [json.loads(line) | {"run": ""} for line in expected]


def test_recorded_units_are_balanced(interrupted, into_files):
    interrupted(*into_files, "--run", "x")
    run = Run.objects.get(name="x")
    assert run.state == Run.State.STOPPED
    assert run.batches > 1
    assert run.lease_until is None
    done = [unit for unit in run.units.all() if unit.state == RunUnit.State.DONE]
    begun = [unit for unit in run.units.all() if unit.state == RunUnit.State.BEGUN]
    assert done
    assert len(begun) == 1
    for unit in done:
        assert unit.counters["statements"] == unit.counters["delivered"]
    assert begun[0].start < begun[0].offset <= begun[0].counted_to
    assert RunAcknowledgement.objects.filter(run=run).count() == run.batches


def test_complete_run_does_nothing_when_repeated(replay, into_files, tmp_path):
    first = replay(*into_files, "--run", "x")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("xapi_*")}
    again = replay(*into_files, "--run", "x")
    assert counted(again) == counted(first)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("xapi_*")} == before


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (["--batch_size", "21"], "batch_size was 20 and is 21"),
        (["--event", "play_video"], r"event was not given and is \['play_video'\]"),
        (["--transformer_type", "caliper"], "transformer_type was xapi and is caliper"),
        (["--since", "2026-03-02"], "since was not given and is 2026-03-02T00:00:00"),
        (["--dry_run"], "dry_run was False and is True"),
    ],
    ids=["batch size", "filter", "type", "time", "dry run"],
)
def test_different_configuration_is_a_usage_error(replay, into_files, other, said):
    replay(*into_files, "--run", "x")
    with pytest.raises(ConfigurationError, match=said):
        replay(*into_files, *other, "--run", "x")


def test_options_outside_the_identity_may_change(replay, interrupted, into_files):
    interrupted(*into_files, "--run", "x")
    shown = ["--unit_size", "1MB", "--log_to", "null", "--max_rejected", "50"]
    more = [*shown, "--sleep_between_batches_secs", "0.001", "--grace_secs", "1"]
    assert replay(*into_files, *more, "--run", "x").complete


def test_second_process_is_refused_until_the_lease_ends(replay, interrupted, into_files):
    interrupted(*into_files, "--run", "x")
    later = timezone.now() + timedelta(seconds=9999)
    Run.objects.update(owner="another-machine 17 123", lease_until=later, state=Run.State.RUNNING)
    with pytest.raises(ConfigurationError, match=r"another process .*ends in 9\d\d\d seconds"):
        replay(*into_files, *UNITS, "--run", "x")
    Run.objects.update(lease_until=timezone.now() - timedelta(days=1))
    assert replay(*into_files, *UNITS, "--run", "x").complete


def test_dead_process_of_this_machine_is_replaced_at_once(replay, interrupted, into_files):
    from log_replay.ledger.lease import is_dead, this_process

    machine, pid, started, _ = this_process().split(" ")
    assert not is_dead(this_process())
    assert not is_dead(f"elsewhere {pid} 1")
    assert is_dead(f"{machine} {pid} 1"), "the same number, another process"
    child = os.fork()
    if not child:
        os._exit(0)
    assert is_dead(f"{machine} {child} {started}"), "a zombie process"
    os.waitpid(child, 0)
    interrupted(*into_files, "--run", "x")
    Run.objects.update(owner=f"{machine} {child} {started}", lease_until=timezone.now() + timedelta(days=1))
    assert replay(*into_files, *UNITS, "--run", "x").complete


def test_process_without_the_lease_records_nothing(into_files, sample_identities):
    from log_replay.pipeline.run import Replay
    from log_replay.report.progress import ProgressLog
    from tests.support.ledger_runs import parsed

    class TakenOver(ProgressLog):
        def advance(self, offset: int, lines: int) -> None:
            super().advance(offset, lines)
            Run.objects.update(owner="another")

    report = Replay(parsed(*into_files, *UNITS, "--run", "x")).replay(TakenOver())
    assert "taken over the run 'x'" in report.stopped
    assert Run.objects.get().owner == "another"
    assert not Run.objects.get().reason


def test_changed_object_is_not_resumed(replay, interrupted, into_files, logs):
    interrupted(*into_files, "--run", "x")
    content = (logs / "a.log").read_bytes()
    (logs / "a.log").write_bytes(b"{}\n" + content)  # the same file, longer, with another beginning
    with pytest.raises(ConfigurationError, match=r"a\.log at offset \d+: it changed") as caught:
        replay(*into_files, *UNITS, "--run", "x")
    assert "--run x" in caught.value.hint
    (logs / "a.log").unlink()
    with pytest.raises(ConfigurationError, match=r"a\.log .*gone"):
        replay(*into_files, *UNITS, "--run", "x")


def test_log_that_has_only_grown_is_read_to_its_old_size(replay, interrupted, into_files, logs):
    whole = replay(*into_files, *UNITS)
    interrupted(*into_files, "--run", "x")
    for name in ("a.log", "b.log"):
        with (logs / name).open("ab") as log:
            log.write(b"garbage\n" * 1000)
    report = replay(*into_files, *UNITS, "--run", "x")
    assert report.complete
    assert report.objects["a.log"] == whole.objects["a.log"]
    assert Run.objects.get(name="x").state == Run.State.FINISHED


def test_longer_file_with_another_inode_is_not_resumed(interrupted, replay, into_files, logs):
    interrupted(*into_files, "--run", "x")
    content = (logs / "a.log").read_bytes()
    (logs / "a.log").rename(logs.parent / "rotated")
    (logs / "a.log").write_bytes(content + b"more\n")
    with pytest.raises(ConfigurationError, match=r"a\.log at offset \d+: it changed"):
        replay(*into_files, *UNITS, "--run", "x")


def test_new_objects_do_not_belong_to_a_resumed_run(replay, interrupted, into_files, logs):
    interrupted(*into_files, "--run", "x")
    (logs / "b.log").write_bytes((logs / "b.log").read_bytes() + b"garbage\n")
    (logs / "c.log").write_bytes(b"garbage\n")
    report = replay(*into_files, *UNITS, "--run", "x")
    assert report.complete
    assert list(report.objects) == ["a.log", "b.log"]


def test_failed_object_is_continued_when_resumed(replay, into_files, logs):
    """The first run fails to read an object after 100,000 bytes, as with a damaged disk."""
    whole = (logs / "b.log").read_bytes()
    (logs / "b.log").unlink()
    (logs / "b.log").mkdir(mode=0o700)
    (logs / "b.log" / "c.log").write_bytes(whole)
    from log_replay.errors import ReadError
    from log_replay.sources.local import LocalSource

    read = LocalSource.read

    def failing(self, obj, start=0, end=None):
        yield read(self, obj, start, 100_000).__next__()[:100_000]
        raise ReadError("gone", operation="read", object=obj.name, offset=100_000)

    LocalSource.read = failing
    try:
        first = replay(*into_files, "--run", "x")
    finally:
        LocalSource.read = read
    assert set(first.failed_objects) == {"a.log", "b.log/c.log"}
    assert first.total.balanced
    second = replay(*into_files, "--run", "x")
    assert second.complete
    assert second.total.balanced
    assert second.total.lines == len((logs / "a.log").read_bytes().splitlines()) + len(whole.splitlines())


def test_stdin_with_a_run_name_is_a_usage_error(replay, into_files):
    with pytest.raises(ConfigurationError, match="can be read only once"):
        replay(*into_files, "--source_provider", "STDIN", "--source_config", "{}", "--run", "x")


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 101, "ä"])
def test_invalid_name_is_a_usage_error(replay, into_files, name):
    with pytest.raises(ConfigurationError, match="is not a valid name"):
        replay(*into_files, "--run", name)


def test_runs_that_only_log_are_stored_only_with_a_name(replay, source):
    logger = [*source, "--destination_provider", "LOGGER", "--log_to", "null"]
    assert replay(*logger).run is None
    assert replay(*logger, "--dry_run").run is None
    assert not Run.objects.exists()
    assert replay(*logger, "--run", "x").run == "x"
    assert Run.objects.get().state == Run.State.FINISHED


def test_runs_that_store_get_a_new_name_each(replay, into_files):
    names = {replay(*into_files).run for _ in range(2)}
    assert names == set(Run.objects.values_list("name", flat=True))
    assert len(names) == 2


def test_ledger_has_no_secrets(replay, source):
    secret = {"username": "replay", "password": "hunter2", "url": "http://hunter3:hunter4@127.0.0.1:1/xAPI?key=hunter5"}
    lrs = [*source, "--destination_provider", "LRS", "--destination_config", json.dumps(secret), "--dry_run"]
    replay(*lrs, "--log_to", "null", "--run", "x", "--lrs_urls", "http://hunter6@127.0.0.1/")
    everything = json.dumps([list(model.objects.values()) for model in (Run, RunUnit, RunAcknowledgement)], default=str)
    assert "127.0.0.1" in everything
    assert "hunter" not in everything


def test_empty_source_is_not_stored(replay, into_files, logs):
    for path in logs.iterdir():
        path.unlink()
    with pytest.raises(ConfigurationError, match="no logs"):
        replay(*into_files, "--run", "x")
    assert not Run.objects.exists()


def test_truncated_rejects_file_is_a_usage_error(replay, interrupted, into_files, tmp_path):
    rejects = tmp_path / "rejects"
    interrupted(*into_files, "--run", "x", "--rejects", str(rejects))
    rejects.write_bytes(b"")
    with pytest.raises(ConfigurationError, match="some of them are gone"):
        replay(*into_files, *UNITS, "--run", "x", "--rejects", str(rejects))
