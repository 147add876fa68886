"""One of two LRSs becomes unavailable; the run is killed at any moment, and resumed when the LRS has recovered."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.support.keeping_lrs import KeepingLrs
from tests.support.scenes import KILLED
from tests.support.scripted_server import LrsResponse

BATCH_SIZE = 30
COMMAND = [sys.executable, "-c", "from log_replay.management.main import main; main()", "transform_tracking_logs"]


@pytest.fixture
def lrss():
    """An LRS that is always available, and one that is not."""
    with KeepingLrs() as healthy, KeepingLrs() as unreliable:
        yield healthy, unreliable


@pytest.fixture
def into_both(scene, lrss):
    """Make a run into both LRSs."""

    def make(name: str, *more: str):
        where = ["--destination_provider", "LRS", "--log_to", "null", "--sleep_between_batches_secs", "0", *more]
        run = scene(name, *where)
        routes = run.folder / "routes.json"
        routes.write_text(json.dumps([_route(lrs.url) for lrs in lrss]))
        assert run.command("loaddata", str(routes), "--verbosity", "0") == 0, run.log
        return run

    return make


def _route(url: str) -> dict:
    fields = {
        "enabled": True, "backend_name": "xAPI", "route_url": url, "auth_scheme": "NONE", "configurations": {},
        "change_date": "2026-03-01T00:00:00Z",
    }  # fmt: skip
    return {"model": "event_routing_backends.routerconfiguration", "fields": fields}


@pytest.fixture
def whole(into_both, lrss):
    """A run without interruptions, and the statements of its LRSs."""
    run = into_both("whole")
    assert run.run() == 0, run.log
    healthy, unreliable = lrss
    made = set(healthy.received)
    assert made == set(unreliable.received)
    for lrs in lrss:
        lrs.received.clear()
    return run, made


def refuse_later(lrs: KeepingLrs) -> None:
    lrs.fail_after(4, LrsResponse(401))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("seam", ["deliver to an LRS", "add to the backlog", "record", "record, inside", "finish"])
def test_kill_while_a_route_is_unavailable(into_both, whole, lrss, seam, moment):
    """No statement is lost, and only the batch in flight is sent twice."""
    (expected, made), (healthy, unreliable) = whole, lrss
    run = into_both("killed")
    refuse_later(unreliable)
    run.run({"seam": seam, moment: 1 if seam == "finish" else 7})
    assert run.codes == [KILLED]
    unreliable.recover()
    assert run.run() == 0, run.log
    assert run.counted == expected.counted
    for lrs in lrss:
        assert set(lrs.received) == made
        assert sum(lrs.received.values()) - len(made) <= 2 * BATCH_SIZE
    assert healthy.received.total() - len(made) <= 2 * BATCH_SIZE


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("seam", ["redeliver", "update the backlog"])
def test_kill_during_redelivery(into_both, whole, lrss, seam, moment):
    """Three times, one batch further each time. The other LRS receives nothing."""
    (expected, made), (healthy, unreliable) = whole, lrss
    run = into_both("killed")
    refuse_later(unreliable)
    assert run.run() == 1
    assert healthy.received.keys() == made
    unreliable.recover()
    for number in (1, 2, 3):
        run.run({"seam": seam, moment: number})
    assert run.codes[1:] == [KILLED] * 3
    assert run.run() == 0, run.log
    assert run.counted == expected.counted
    assert unreliable.received.keys() == made
    assert unreliable.received.total() - len(made) <= 3 * 2 * BATCH_SIZE
    assert set(healthy.received.values()) == {1}


def test_backlog_with_workers(into_both, whole, lrss):
    """Workers use the database of their settings, so the run has its own LOG_REPLAY_HOME."""
    (expected, made), (_, unreliable) = whole, lrss
    run = into_both("workers", "--workers", "2")
    home = run.folder / "home"
    home.mkdir()
    shutil.copy(run.folder / "ledger.sqlite3", home / "log-replay.sqlite3")
    summary = run.folder / "summary.json"
    command = [*COMMAND, *run.arguments, "--run", "tested", "--summary", str(summary)]
    environment = {**run.driver.environment, "LOG_REPLAY_HOME": str(home)}
    refuse_later(unreliable)
    first = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert first.returncode == 1, first.stderr
    assert f"statements not delivered to unavailable route {unreliable.url}" in first.stderr
    unreliable.recover()
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert run.counted == expected.counted
    for lrs in lrss:
        assert lrs.received.keys() == made
        assert set(lrs.received.values()) == {1}
