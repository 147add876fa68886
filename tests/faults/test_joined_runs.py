"""Runs that several processes work on, while processes are killed or suspended and the database is restarted.

``LOG_REPLAY_JOINED_RUNS`` is the number of runs (default 3), ``LOG_REPLAY_FIRST_JOINED_RUN`` the first of them (default
0). Each has a seed: the number of processes, the source, the destination and the faults follow from it.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests import generate_log
from tests.support import database_servers
from tests.support.clickhouse_servers import clickhouse, clickhouse_process
from tests.support.joined_processes import Processes
from tests.support.keeping_lrs import KeepingLrs
from tests.support.scenes import COUNTED, KILLED
from tests.support.servers import S3

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["clickhouse", "clickhouse_process"]

RUNS = int(os.environ.get("LOG_REPLAY_JOINED_RUNS", "3"))
FIRST = int(os.environ.get("LOG_REPLAY_FIRST_JOINED_RUN", "0"))
#: Most LMSs have MySQL or MariaDB.
RUNS_ON_OTHERS = max(1, RUNS // 10)
DESTINATIONS = ("bucket", "lrs", "clickhouse", "files")
#: The source of every third run is a bucket.
SOURCES = ("bucket", "folder", "folder")
LEASE_SECONDS = 2.0
#: A run that is not complete after this time makes no progress.
MOST_SECONDS = 180
MOST_STARTS = 60


@pytest.fixture(scope="module")
def database(request, tmp_path_factory):
    """The database of the ledger, by the name of the function that starts it."""
    start = getattr(database_servers, request.param)
    with start(tmp_path_factory.mktemp(request.param), generate_log.identities(users=50, courses=5)) as server:
        yield server


@pytest.fixture(scope="module")
def processes(database, tmp_path_factory):
    processes = Processes(database.environment, tmp_path_factory.mktemp("processes") / "log")
    yield processes
    processes.close()


@pytest.fixture(scope="module")
def logs():
    """Three logs in many small groups, with lines that are no events."""
    lines = list(generate_log.lines(count=2000, known=0.6, users=60, courses=5, seed=11))
    lines[300:300] = [b"nonsense\n", b"\n"]
    return {
        "a.log": b"".join(lines[:1200]),
        "b.log.gz": gzip.compress(b"".join(lines[1200:1300]), mtime=0),
        "c.log": b"".join(lines[1300:]),
    }


@pytest.fixture(scope="module")
def new_bucket(s3_server):
    """Return a function that creates a bucket."""

    def create(name: str) -> S3:
        bucket = S3(*s3_server, container=name)
        requests.put(bucket.url, timeout=30).raise_for_status()
        return bucket

    return create


@pytest.fixture(scope="module")
def sources(logs, new_bucket, tmp_path_factory):
    """The arguments of the sources, which have the same logs."""
    key = tmp_path_factory.mktemp("joined")
    (key / "logs").mkdir()
    bucket = new_bucket("logs")
    for name, content in logs.items():
        (key / "logs" / name).write_bytes(content)
        bucket.write(name, content)
    folder = {"key": str(key), "container": "logs"}
    return {
        "folder": ["--source_provider", "LOCAL", "--source_config", json.dumps(folder)],
        "bucket": ["--source_provider", "MINIO", "--source_config", json.dumps(bucket.config)],
    }


COMMON = [
    "--transformer_type", "xapi", "--log_to", "null", "--add_external_ids", "no",
    "--unit_size", "100KB", "--batch_size", "20",
]  # fmt: skip


@pytest.fixture(scope="module")
def arguments(sources):
    """The arguments of a run that reads the folder."""
    return [*COMMON, *sources["folder"]]


class JoinedRun:
    """One run in its own folder: the processes that work on it, and what they have written."""

    def __init__(self, processes: Processes, folder: Path, name: str, arguments: list[str]) -> None:
        self._processes = processes
        self._folder = folder
        self._name = name
        self._arguments = [*arguments, "--run", name]
        self.starts = 0
        self.codes: dict[int, int] = {}
        self._summaries: dict[int, Path] = {}

    def start(self, *options: str) -> int:
        summary = self._folder / f"summary-{self.starts}.json"
        rejects = self._folder / "rejects.jsonl"
        self.starts += 1
        command = ["replay_tracking_logs", *self._arguments, *options]
        pid = self._processes.start(*command, "--summary", str(summary), "--rejects", str(rejects))
        self._summaries[pid] = summary
        return pid

    def wait(self, seconds: float = MOST_SECONDS) -> bool:
        """Start processes again until all have ended with 0. Return False if the time is over before."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ended = self._processes.ended()
            self.codes |= ended
            for code in ended.values():
                if code:
                    assert self.starts < MOST_STARTS
                    self.start()
            if not self._processes.alive:
                return True
            time.sleep(0.2 if any(ended.values()) else 0.02)
        return False

    def runs(self, action: str, *options: str) -> bytes:
        """Return what an action of replay_runs prints."""
        out = self._folder / f"{action}.out"
        out.unlink(missing_ok=True)
        pid = self._processes.start("replay_runs", action, *options, self._name, out=out)
        codes: dict[int, int] = {}
        while pid not in codes:
            codes |= self._processes.ended()
            time.sleep(0.02)
        self.codes |= codes
        assert codes[pid] == 0, self._processes.log
        return out.read_bytes()

    @property
    def rejects(self) -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in self.runs("rejects").splitlines()]
        return [{name: value for name, value in entry.items() if name != "run"} for entry in entries]

    @property
    def counted(self) -> list[dict[str, Any]]:
        """The counters that each process has shown that ended with 0."""
        complete = [json.loads(path.read_text()) for pid, path in self._summaries.items() if self.codes[pid] == 0]
        return [{name: summary[name] for name in COUNTED} for summary in complete]


def files(folder: Path) -> dict[str, bytes]:
    """Return the files in a folder, and the manifest without its times."""
    return compared({path.name: path.read_bytes() for path in folder.iterdir()})


def compared(content: dict[str, bytes]) -> dict[str, bytes]:
    """Return output files as they can be compared: without the key of the run and the times of the manifest."""
    manifest = json.loads(content["manifest.json"])
    for run in manifest["runs"]:
        del run["created"]
        del run["key"]
    for output in manifest["runs"][0]["outputs"]:
        output["name"] = output["name"].split("_", 2)[2]
    content["manifest.json"] = json.dumps(manifest).encode()
    return {name.split("_", 2)[-1]: text for name, text in content.items()}


def into(folder: Path) -> list[str]:
    folder.mkdir(exist_ok=True)
    place = json.dumps({"key": str(folder.parent), "container": folder.name})
    return ["--destination_provider", "LOCAL", "--destination_config", place]


@pytest.fixture(scope="module")
def alone(processes, arguments, tmp_path_factory):
    """A run of one process, without --join."""
    folder = tmp_path_factory.mktemp("alone")
    run = JoinedRun(processes, folder, folder.name, [*arguments, *into(folder / "out")])
    run.start()
    assert run.wait(), processes.log
    run.files = files(folder / "out")
    run.listed = run.rejects
    return run


@pytest.fixture(scope="module")
def statements(alone) -> Counter[bytes]:
    return Counter(line for name, text in alone.files.items() if name != "manifest.json" for line in text.splitlines())


def disturb(dice: random.Random, processes: Processes, database) -> None:
    """Kill or suspend a process, or kill the database and start it again."""
    chosen = dice.choice(sorted(processes.alive))
    with suppress(ProcessLookupError):  # it has just ended
        match dice.choice(["kill", "kill", "suspend", "suspend", "database"]):
            case "kill":
                os.kill(chosen, signal.SIGKILL)
            case "suspend":
                os.kill(chosen, signal.SIGSTOP)
                time.sleep(LEASE_SECONDS * dice.uniform(0.5, 2))
                os.kill(chosen, signal.SIGCONT)
            case _:
                database.kill()
                time.sleep(dice.uniform(0, 1))
                database.start()


@pytest.fixture
def replay_together(database, processes, sources, new_bucket, alone, statements, clickhouse, tmp_path):
    """Return a function that makes one run and compares it with that of one process."""

    def replay(seed: int) -> None:
        dice = random.Random(seed)
        kind = DESTINATIONS[seed % len(DESTINATIONS)]
        table = f"statements_{tmp_path.name}"
        bucket = new_bucket(f"out-{tmp_path.name}".replace("_", "-"))
        with KeepingLrs() as lrs:
            destination = {
                "files": lambda: into(tmp_path / "out"),
                "bucket": lambda: into_bucket(bucket),
                "lrs": lambda: ["--destination_config", json.dumps({"url": lrs.url})],
                "clickhouse": lambda: into_clickhouse(clickhouse, table),
            }[kind]()
            source = sources[SOURCES[seed % len(SOURCES)]]
            join = ["--join", "--lease_secs", str(LEASE_SECONDS), "--sleep_between_batches_secs", "0.05"]
            run = JoinedRun(processes, tmp_path, tmp_path.name, [*COMMON, *source, *destination, *join])
            for _ in range(dice.randint(4, 8)):
                run.start()
                time.sleep(dice.choice([0, 0, 0.1]))
            for _ in range(dice.randint(1, 4)):
                if run.wait(dice.uniform(0.1, 1)):
                    break
                disturb(dice, processes, database)
            assert run.wait(), processes.log
            database.wait()  # it may have been killed last
            assert set(run.codes.values()) <= {0, KILLED}, processes.errors
            assert run.counted == [alone.counted[0]] * len(run.counted)
            assert run.rejects == alone.listed
            if kind == "files":
                assert files(tmp_path / "out") == alone.files
            elif kind == "bucket":
                assert compared({name: bucket.read(name) for name in bucket.names()}) == alone.files
            elif kind == "lrs":
                assert Counter(lrs.stored.values()) == statements
            else:
                rows = clickhouse.rows(f"SELECT event FROM openedx.{table} FINAL")
                assert Counter(row["event"].encode() for row in rows) == statements

    return replay


def into_bucket(bucket: S3) -> list[str]:
    return ["--destination_provider", "MINIO", "--destination_config", json.dumps(bucket.config)]


def into_clickhouse(clickhouse, table: str) -> list[str]:
    config = json.dumps({**clickhouse.config, "table": table})
    return ["--destination_provider", "CLICKHOUSE", "--create_tables", "--destination_config", config]


@pytest.mark.parametrize("database", ["mariadb"], indirect=True, scope="module")
@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_processes_on_mariadb_do_what_one_does(replay_together, seed):
    replay_together(seed)


@pytest.mark.parametrize("database", ["mariadb"], indirect=True, scope="module")
def test_process_waits_for_a_database_that_restarts(database, processes, arguments, alone, tmp_path):
    run = JoinedRun(processes, tmp_path, tmp_path.name, [*arguments, *into(tmp_path / "out"), "--join"])
    database.kill()
    run.start()
    time.sleep(1)
    database.start()
    assert run.wait(), processes.log
    assert run.starts == 1
    assert files(tmp_path / "out") == alone.files


@pytest.mark.parametrize("database", ["mariadb"], indirect=True, scope="module")
def test_watch_waits_for_a_database_that_restarts(database, processes, arguments, tmp_path):
    run = JoinedRun(processes, tmp_path, "watched", [*arguments, *into(tmp_path / "out"), "--join"])
    seen = tmp_path / "watch.out"
    watching = processes.start("replay_runs", "watch", "watched", "--every", "0.05", out=seen)
    slow = run.start("--sleep_between_batches_secs", "60")
    while not seen.exists() or b"running" not in seen.read_bytes():
        run.codes |= processes.ended()
        assert {watching, slow} <= processes.alive, processes.log
        time.sleep(0.02)
    database.kill()
    time.sleep(1)
    database.start()
    run.start()
    os.kill(slow, signal.SIGKILL)  # its group is free at once
    assert run.wait(), processes.log
    assert run.codes[watching] == 0, processes.log
    assert seen.read_bytes().splitlines()[-1].startswith(b"finished, 100.0 %")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True, scope="module")
@pytest.mark.parametrize("seed", range(3, 3 + RUNS_ON_OTHERS))
def test_processes_on_postgresql_do_what_one_does(replay_together, seed):
    replay_together(seed)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True, scope="module")
@pytest.mark.parametrize("seed", range(RUNS_ON_OTHERS))
def test_processes_on_sqlite_do_what_one_does(replay_together, seed):
    replay_together(seed)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True, scope="module")
def test_processes_stop_when_they_are_asked_to(processes, arguments, alone, tmp_path):
    join = ["--join", "--lease_secs", "1", "--sleep_between_batches_secs", "0.2"]
    run = JoinedRun(processes, tmp_path, tmp_path.name, [*arguments, *into(tmp_path / "out"), *join])
    started = [run.start() for _ in range(3)]
    while not any((tmp_path / "out").iterdir()):
        time.sleep(0.02)
    run.runs("stop")
    while processes.alive:
        run.codes |= processes.ended()
        time.sleep(0.02)
    codes = {run.codes[pid] for pid in started}
    assert 1 in codes <= {1, 2}, processes.log  # 2: it started too late to join
    shown = json.loads(run.runs("show"))
    assert (shown["state"], shown["processes"]) == ("stopped", [])
    assert 0 < shown["percent"] < 100
    refused = run.start()
    while processes.alive:
        run.codes |= processes.ended()
        time.sleep(0.02)
    assert run.codes[refused] == 2
    run.runs("stop", "--undo")
    run.start()
    assert run.wait(), processes.log
    assert files(tmp_path / "out") == alone.files
    assert run.runs("watch").startswith(b"finished, 100.0 %")
