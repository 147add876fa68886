"""The command ``replay_runs``."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from log_replay.management.commands import replay_runs
from log_replay.models import Run, RunAcknowledgement, RunUnit

UNITS = ["--unit_size", "50KB"]


def runs(*arguments: str) -> str:
    output = io.StringIO()
    call_command("replay_runs", *arguments, stdout=output, stderr=io.StringIO())
    return output.getvalue()


def test_latest_run_is_listed_first(replay, interrupted, into_files):
    replay(*into_files, "--run", "first")
    interrupted(*into_files, "--run", "second")
    lines = runs("list").splitlines()
    assert [line.split()[:2] for line in lines] == [["second", "stopped"], ["first", "finished"]]
    assert "100.0 %" in lines[1]
    assert lines[0].endswith("interrupted")
    assert [json.loads(line)["name"] for line in runs("list", "--json").splitlines()] == ["second", "first"]


def test_show_has_progress_counters_and_errors(interrupted, into_files):
    interrupted(*into_files, "--run", "x")
    shown = json.loads(runs("show", "x"))
    assert shown["state"] == "stopped"
    assert 10 < shown["percent"] < 90
    assert shown["units"]["done"] < shown["units"]["all"]
    assert shown["counters"]["delivered"] > 0
    assert shown["rejects_by_reason"]
    assert shown["configuration"]["batch_size"] == 20


def test_run_of_a_dead_process_is_interrupted(interrupted, into_files):
    interrupted(*into_files, "--run", "x")
    soon = timezone.now() + timedelta(days=1)
    Run.objects.update(state=Run.State.RUNNING, owner="elsewhere 1 1", lease_until=soon)
    assert json.loads(runs("show", "x"))["state"] == "running"
    Run.objects.update(lease_until=timezone.now() - timedelta(days=1))
    assert json.loads(runs("show", "x"))["state"] == "interrupted"


def test_run_is_resumed_by_its_name(interrupted, into_files, tmp_path):
    interrupted(*into_files, "--run", "x", "--rejects", str(tmp_path / "rejects"), "--since", "2026-03-01")
    runs("resume", "x")
    run = Run.objects.get()
    assert run.state == Run.State.FINISHED
    assert (tmp_path / "out" / "manifest.json").exists()


def test_run_with_secrets_is_not_resumed_by_its_name(replay, source):
    config = json.dumps({"url": "http://127.0.0.1:1/xAPI", "username": "u", "password": "hunter2"})
    lrs = ["--destination_provider", "LRS", "--destination_config", config]
    replay(*source, *lrs, "--dry_run", "--log_to", "null", "--run", "x")
    with pytest.raises(CommandError, match=r"given some: destination_config\.password") as caught:
        runs("resume", "x")
    assert caught.value.returncode == 2
    assert "hunter2" not in str(caught.value)


def test_run_with_secrets_in_the_environment_is_resumed(replay, source, monkeypatch):
    monkeypatch.setenv("LRS_PASSWORD", "hunter2")
    config = json.dumps({"url": "http://127.0.0.1:1/xAPI", "username": "replay", "password": "${LRS_PASSWORD}"})
    lrs = ["--destination_provider", "LRS", "--destination_config", config]
    replay(*source, *lrs, "--dry_run", "--log_to", "null", "--run", "x")
    runs("resume", "x")
    assert Run.objects.get().state == Run.State.FINISHED


def test_delete_keeps_the_files_of_a_run(replay, into_files, tmp_path):
    replay(*into_files, "--run", "x")
    runs("delete", "x")
    assert not any(model.objects.exists() for model in (Run, RunUnit, RunAcknowledgement))
    assert (tmp_path / "out" / "manifest.json").exists()


def test_running_run_is_not_deleted(interrupted, into_files):
    interrupted(*into_files, "--run", "x")
    Run.objects.update(owner="elsewhere 1 1", lease_until=timezone.now() + timedelta(days=1))
    with pytest.raises(CommandError, match="another process"):
        runs("delete", "x")
    assert Run.objects.exists()


def test_prune_deletes_old_finished_runs(replay, interrupted, into_files):
    for name in ("old", "new"):
        replay(*into_files, "--run", name)
    interrupted(*into_files, "--run", "unfinished")
    long_ago = timezone.now() - timedelta(days=31)
    Run.objects.exclude(name="new").update(updated=long_ago)
    assert runs("prune", "32") == ""
    assert runs("prune", "30").split() == ["old"]
    assert {run.name for run in Run.objects.all()} == {"new", "unfinished"}
    assert runs("prune", "30", "--unfinished").split() == ["unfinished"]
    assert {row.run.name for row in RunUnit.objects.select_related("run")} == {"new"}


def test_running_run_is_not_pruned(interrupted, into_files):
    interrupted(*into_files, "--run", "x")
    Run.objects.update(owner="elsewhere 1 1", lease_until=timezone.now() + timedelta(days=1))
    assert runs("prune", "0", "--unfinished") == ""
    assert Run.objects.exists()


@pytest.mark.parametrize("days", ["-1", "nan", "1e9"])
@pytest.mark.django_db
def test_invalid_number_of_days_is_a_usage_error(days):
    with pytest.raises(CommandError, match="not a valid number of days") as caught:
        runs("prune", "--", days)
    assert caught.value.returncode == 2


@pytest.mark.parametrize("action", ["show", "resume", "delete"])
@pytest.mark.django_db
def test_unknown_name_is_a_usage_error(action):
    with pytest.raises(CommandError, match="no run 'x'") as caught:
        runs(action, "x")
    assert caught.value.returncode == 2


def test_stopped_run_ends_with_the_command_to_resume_it(into_files, sample_identities, monkeypatch):
    from log_replay.sinks.files.sink import FileSink

    def stopping(_self, _batch):
        raise KeyboardInterrupt("SIGTERM")

    monkeypatch.setattr(FileSink, "deliver", stopping)
    with pytest.raises(CommandError, match="log-replay runs resume x") as caught:
        call_command("replay_tracking_logs", "--transformer_type", "xapi", *into_files, "--run", "x")
    assert caught.value.returncode == 1


def test_plan_prints_the_units_and_does_nothing(source, logs, capfdbinary, sample_identities):
    call_command("replay_tracking_logs", "--transformer_type", "xapi", *source, "--plan", "--unit_size", "100KB")
    units = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [unit["unit"] for unit in units] == list(range(len(units)))
    assert {unit["object"] for unit in units} == {"a.log", "b.log"}
    assert units[0]["end"] == units[1]["start"] == 100_000
    assert not Run.objects.exists()


@pytest.mark.parametrize("size", ["0", "big", "-1", "1XB", ""])
def test_invalid_unit_size_is_a_usage_error(source, size):
    with pytest.raises(CommandError, match="--unit_size") as caught:
        call_command("replay_tracking_logs", "--transformer_type", "xapi", *source, "--plan", "--unit_size", size)
    assert caught.value.returncode == 2


class BeginsRun(io.StringIO):
    """Standard error. A message on it begins a run, and finishes it."""

    def write(self, text: str) -> int:
        Run.objects.get_or_create(name="later", defaults={"state": Run.State.FINISHED, "planned": True})
        return super().write(text)


@pytest.mark.django_db
def test_watch_waits_for_a_run_to_begin(monkeypatch):
    output, errors = io.StringIO(), BeginsRun()
    call_command("replay_runs", "watch", "later", "--every", "0.01", stdout=output, stderr=errors)
    assert "the ledger has no run 'later'" in errors.getvalue()
    assert output.getvalue().startswith("finished, 100.0 %")
    monkeypatch.setattr(replay_runs, "BEGIN_SECONDS", 0)
    with pytest.raises(CommandError, match="the ledger has no run 'never'") as refused:
        call_command("replay_runs", "watch", "never", "--every", "0.01", stdout=output, stderr=io.StringIO())
    assert refused.value.returncode == 2
