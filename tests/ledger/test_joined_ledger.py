"""Runs that are worked on with --join and without it, one after the other, in this process."""

from __future__ import annotations

import json
import math
import signal

import pytest
from django.db import OperationalError, connection

from log_replay.errors import ConfigurationError
from log_replay.identities.database import RETRY
from log_replay.ledger import reconnecting
from log_replay.ledger.clock import from_now
from log_replay.ledger.joined.claims import Claims
from log_replay.models import Run, RunAcknowledgement, RunGroup
from log_replay.pipeline import joined_run
from log_replay.pipeline.destination import open_destination
from log_replay.pipeline.joined_run import JoinedReplay
from log_replay.report.progress import ProgressLog
from tests.support.ledger_runs import Interrupting, parsed

UNITS = ["--unit_size", "50KB"]


@pytest.fixture
def joined(sample_identities):
    """Return a function that replays with --join, until some lines if a number is given, and returns the report."""

    def run(*arguments: str, lines: int | None = None):
        progress = Interrupting(lines) if lines else ProgressLog()
        return JoinedReplay(parsed(*arguments, *UNITS, "--join", "--lease_secs", "5")).replay(progress)

    return run


def outputs(tmp_path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("xapi*")}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert sorted(output["name"] for run in manifest["runs"] for output in run["outputs"]) == sorted(found)
    return found


@pytest.fixture
def expected(replay, into_files, tmp_path):
    """The counters and the files of a run of one process."""
    report = replay(*into_files, *UNITS, "--run", "alone")
    assert report.complete
    found = outputs(tmp_path)
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    return report.as_dict(), found


COUNTED = ("total", "objects", "statements_by_event", "rejects_by_reason", "unknown_names", "transform_paths")


def same(report, expected) -> bool:
    return {name: report.as_dict()[name] for name in COUNTED} == {name: expected[name] for name in COUNTED}


@pytest.mark.django_db
def test_one_joined_process_does_what_a_plain_run_does(joined, expected, into_files, tmp_path):
    report = joined(*into_files, "--run", "x")
    assert report.complete
    assert same(report, expected[0])
    assert outputs(tmp_path) == expected[1]
    assert Run.objects.get(name="x").state == Run.State.FINISHED
    again = joined(*into_files, "--run", "x")
    assert same(again, expected[0]), "a process that comes late shows the summary of the run"


@pytest.mark.django_db
@pytest.mark.parametrize("first", ["plain", "joined"])
def test_run_is_continued_with_and_without_join(joined, replay, interrupted, expected, into_files, tmp_path, first):
    if first == "plain":
        interrupted(*into_files, "--run", "x")
        report = joined(*into_files, "--run", "x")
    else:
        stopped = joined(*into_files, "--run", "x", lines=150)
        assert stopped.stopped
        assert 0 < stopped.total.lines < expected[0]["total"]["lines"]
        report = replay(*into_files, "--run", "x")
    assert report.complete
    assert same(report, expected[0])
    assert outputs(tmp_path) == expected[1]
    numbers = list(RunAcknowledgement.objects.filter(run__name="x").values_list("number", flat=True))
    assert len(numbers) == len(set(numbers)) == len(expected[1])


@pytest.mark.django_db
def test_plain_process_is_refused_while_others_have_joined(joined, replay, into_files):
    joined(*into_files, "--run", "x", lines=150)
    run = Run.objects.get(name="x")
    other = Claims(run.pk, 60, "elsewhere 1 1 host")
    assert other.claim_next()
    with pytest.raises(ConfigurationError, match=r"other processes work on the run .x.*add --join"):
        replay(*into_files, "--run", "x")
    other.release()
    assert replay(*into_files, "--run", "x").complete


@pytest.mark.django_db
def test_joined_process_is_refused_while_a_plain_one_has_the_run(joined, interrupted, into_files):
    interrupted(*into_files, "--run", "x")
    Run.objects.update(owner="elsewhere 1 1 host", lease_until=from_now(9999))
    with pytest.raises(ConfigurationError, match="another process works on the run 'x'"):
        joined(*into_files, "--run", "x")
    assert not RunGroup.objects.filter(owner__gt="").exists()


class SummaryFails:
    """Lets the database fail when the summary of the run is read, like one that restarts then.

    Args:
        times: the number of failures.
        interrupt: a failure comes with Ctrl-C.
    """

    def __init__(self, times: float, *, interrupt: bool = False) -> None:
        self.times = times
        self.interrupt = interrupt

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith('SELECT "log_replay_rungroup"."counts" ') and self.times > 0:
            self.times -= 1
            if self.interrupt:
                signal.raise_signal(signal.SIGINT)
            raise OperationalError(2006, "Server has gone away")
        return execute(sql, params, many, context)


@pytest.mark.django_db
def test_summary_is_read_again_until_the_database_answers(joined, expected, into_files):
    joined(*into_files, "--run", "x")
    fails = SummaryFails(2)
    with connection.execute_wrapper(fails):
        late = joined(*into_files, "--run", "x")
    assert fails.times == 0
    assert late.complete
    assert same(late, expected[0])


@pytest.mark.django_db
def test_process_without_the_summary_of_the_run_is_incomplete(joined, into_files, monkeypatch):
    joined(*into_files, "--run", "x")
    monkeypatch.setattr(reconnecting, "RETRY_SECONDS", 0.1)
    with connection.execute_wrapper(SummaryFails(math.inf)):
        late = joined(*into_files, "--run", "x")
    assert not late.complete
    assert late.stopped.startswith("read the summary of the run: the database of the ledger failed (connection lost)")


@pytest.mark.django_db
def test_ctrl_c_ends_the_wait_for_the_summary(joined, into_files):
    joined(*into_files, "--run", "x")
    with connection.execute_wrapper(SummaryFails(math.inf, interrupt=True)):
        late = joined(*into_files, "--run", "x")
    assert (late.complete, late.stopped) == (False, "interrupted")


class WatchedSink:
    """A real sink that calls a function after it is closed."""

    def __init__(self, sink, after_close) -> None:
        self._sink = sink
        self._after_close = after_close

    def __getattr__(self, name):
        return getattr(self._sink, name)

    def close(self, *, complete: bool) -> None:
        self._sink.close(complete=complete)
        self._after_close()


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["finishes", "dies"])
def test_run_is_finished_by_the_process_that_takes_it_over(sample_identities, expected, into_files, tmp_path, other):
    """A process that was suspended between the manifest and the end of the run ends like the others."""

    def take_over():
        state = Run.State.FINISHED if other == "finishes" else Run.State.RUNNING
        Run.objects.filter(name="x").update(owner="elsewhere 1 1 host", lease_until=from_now(-9999), state=state)

    options = parsed(*into_files, *UNITS, "--run", "x", "--join")
    sink = WatchedSink(open_destination(options, log_events=print), take_over)
    report = JoinedReplay(options, sink).replay(ProgressLog())
    assert report.complete
    assert same(report, expected[0])
    assert outputs(tmp_path) == expected[1]
    assert Run.objects.get(name="x").state == Run.State.FINISHED


@pytest.mark.django_db
@pytest.mark.parametrize("failures", [6, math.inf])
def test_claim_is_given_up_while_the_database_of_the_lms_fails(joined, expected, into_files, monkeypatch, failures):
    """After that, the process claims the group again, for a limited time."""
    monkeypatch.setitem(RETRY.__dict__, "max_delay_seconds", 0.01)
    monkeypatch.setattr(joined_run, "RETRY_SECONDS", 30 if failures == 6 else 0.5)
    failed = []

    def fail(execute, sql, params, many, context):
        if "auth_user" in sql and len(failed) < failures:
            failed.append(sql)
            raise OperationalError(1205, "Lock wait timeout exceeded")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        report = joined(*into_files, "--run", "x")
    if failures == 6:
        assert report.complete
        assert same(report, expected[0])
    else:
        assert report.stopped.startswith("look up identities in database 'default': locked by another process")
