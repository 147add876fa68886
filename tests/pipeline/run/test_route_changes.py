"""A change of the router configuration during a run sends no statement to the wrong LRS."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.support.keeping_lrs import KeepingLrs
from tests.support.paths import ROOT
from tests.support.scripted_server import LrsResponse

VIDEO = {"name": "play_video|pause_video"}
PROBLEM = {"name": "problem_check|showanswer"}


class WatchedLrs(KeepingLrs):
    """An LRS that calls ``on_error`` when it answers its first error."""

    def __init__(self, on_error) -> None:
        super().__init__()
        self._on_error = on_error

    def next_answer(self, asked):
        answer = super().next_answer(asked)
        if answer.status >= 400 and self._on_error:
            self._on_error, on_error = None, self._on_error
            on_error()
        return answer


class Site:
    """A home with two routes, and runs that use it."""

    def __init__(self, shell, source) -> None:
        self._shell = shell
        self._source = source
        self._database = shell.environment["LOG_REPLAY_HOME"] + "/log-replay.sqlite3"

    def add_routes(self, folder, routes) -> None:
        fields = {"enabled": True, "backend_name": "xAPI", "auth_scheme": "NONE"}
        rows = [
            {
                "model": "event_routing_backends.routerconfiguration",
                "fields": {
                    **fields,
                    "route_url": url,
                    "configurations": {"match_params": match},
                    "change_date": f"2026-03-0{day}T00:00:00Z",
                },
            }
            for day, (url, match) in enumerate(routes, 1)
        ]
        (folder / "routes.json").write_text(json.dumps(rows))
        loaded = self._shell("loaddata", str(folder / "routes.json"))
        assert loaded.returncode == 0, loaded.stderr

    def save_in_admin(self, url: str) -> None:
        """Save a route as the admin does: insert a copy of the row with a newer change date."""
        table = "event_routing_backends_routerconfiguration"
        with closing(sqlite3.connect(self._database, timeout=20)) as connection, connection:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
            values = ["datetime('now')" if column == "change_date" else column for column in columns]
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)})"
                f" SELECT {', '.join(values)} FROM {table} WHERE route_url = ?",
                (url,),
            )

    def run(self, *more: str) -> dict:
        arguments = [
            "--transformer_type", "xapi", *self._source, "--destination_provider", "LRS", "--add_external_ids", "no",
            "--log_to", "null", "--batch_size", "20", "--sleep_between_batches_secs", "0", *more,
        ]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.lrs_run", *arguments],
            env={**self._shell.environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)


@pytest.fixture
def site(fresh_shell, source, tmp_path):
    with KeepingLrs() as problems:
        site = Site(fresh_shell, source)
        site.problems = problems
        with WatchedLrs(lambda: site.save_in_admin(problems.url)) as videos:
            site.videos = videos
            site.add_routes(tmp_path, [(problems.url, PROBLEM), (videos.url, VIDEO)])
            yield site


@pytest.fixture
def expected(site):
    """The statements for each LRS, as a run sends them while both are available."""
    assert site.run("--run", "whole")["complete"]
    found = set(site.videos.received), set(site.problems.received)
    assert min(map(len, found)) > 5
    assert not found[0] & found[1]
    for lrs in (site.videos, site.problems):
        lrs.received.clear()
    return found


def each_once(ids: set[str]) -> dict[str, int]:
    return dict.fromkeys(ids, 1)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_backlog_of_changed_routes_in_one_run(site, expected, workers):
    """A route is unavailable and returns; the other row is saved in between."""
    site.videos.script = [LrsResponse(), LrsResponse(), LrsResponse(503), LrsResponse(503), LrsResponse()]
    report = site.run("--run", "changed", "--workers", workers)
    assert dict(site.videos.received) == each_once(expected[0])
    assert dict(site.problems.received) == each_once(expected[1])
    assert report["complete"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_backlog_of_changed_routes_when_resumed(site, expected, workers):
    site.videos.fail_after(1, LrsResponse(401))
    assert not site.run("--run", "changed", "--workers", workers)["complete"]
    site.videos.recover()
    report = site.run("--run", "changed", "--workers", workers)
    assert dict(site.videos.received) == each_once(expected[0])
    assert dict(site.problems.received) == each_once(expected[1])
    assert report["complete"]
