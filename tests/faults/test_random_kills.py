"""Runs that are killed at random, into every kind of destination, while their logs grow and are rotated.

``LOG_REPLAY_KILL_RUNS`` is the number of runs (default 3). Each has a seed: the destination, the number of workers, the
moments of the kills and what happens to the logs follow from it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.keeping_lrs import KeepingLrs
from tests.support.scenes import INTO_FILES, KILLED, Scene

RUNS = int(os.environ.get("LOG_REPLAY_KILL_RUNS", "3"))
DESTINATIONS = ("files", "lrs", "clickhouse")
#: Seams of every run, and those of each destination.
SEAMS = ["plan", "claim", "count", "reject", "record", "record, inside", "finish"]
SEAMS_OF = {
    "files": ["deliver to files", "write", "rename", "finish files"],
    "lrs": ["deliver to an LRS"],
    "clickhouse": [],
}
#: A run that is still incomplete after this many starts makes no progress.
MOST_STARTS = 12


@pytest.fixture(scope="module")
def statements(whole) -> Counter[bytes]:
    """Every statement of the source, with its number."""
    return _statements(whole.out)


def _statements(folder: Path) -> Counter[bytes]:
    names = [path for path in folder.iterdir() if path.name != "manifest.json"]
    return Counter(line for path in names for line in path.read_bytes().splitlines())


class Logs:
    """The run's own copy of the logs, which can grow and be rotated."""

    def __init__(self, source: list[str], folder: Path) -> None:
        config = json.loads(source[source.index("--source_config") + 1])
        self.folder = folder / "logs"
        shutil.copytree(Path(config["key"]) / config["container"], self.folder)
        place = json.dumps({"key": str(folder), "container": "logs"})
        at = source.index("--source_config") + 1
        self.arguments = [*source[:at], place, *source[at + 1 :]]

    def grow(self, name: str) -> None:
        """Append lines, as an LMS does that still writes to the log."""
        path = self.folder / name
        text = path.read_bytes()
        with path.open("ab") as file:
            file.write(b"\n" * (not text.endswith(b"\n")) + text[: text.index(b"\n") + 1] * 5)

    def rotate(self, name: str) -> None:
        """Move a log away and begin a new one, as logrotate does."""
        path = self.folder / name
        path.rename(path.with_name(f"{name}.moved"))
        path.write_bytes(b'{"name": "page_close", "event": ""}\n' * 9000)

    def rotate_back(self, name: str) -> None:
        path = self.folder / name
        path.with_name(f"{name}.moved").replace(path)


def _destination(kind: str, lrs: KeepingLrs) -> list[str]:
    match kind:
        case "files":
            return INTO_FILES
        case "lrs":
            config = json.dumps({"url": lrs.url})
            return [
                "--destination_provider",
                "LRS",
                "--destination_config",
                config,
                "--sleep_between_batches_secs",
                "0",
            ]
        case _:
            config = json.dumps({"path": "KEY/clickhouse"})
            return ["--destination_provider", "CLICKHOUSE", "--destination_config", config, "--create_tables"]


def _delivered(kind: str, lrs: KeepingLrs, run: Scene) -> Counter[bytes]:
    """Return every statement that is stored. What LRSs and ClickHouse get twice replaces itself: they have ids."""
    if kind == "files":
        return _statements(run.out)
    if kind == "lrs":
        return Counter(lrs.stored.values())
    return Counter(json.loads(line)["event"].encode() for line in _query(run, "SELECT event FROM statements"))


def _query(run: Scene, sql: str) -> list[bytes]:
    program = "from log_replay.management.main import main; main()"
    command = [
        sys.executable,
        "-c",
        program,
        "query",
        "--path",
        str(run.folder / "clickhouse"),
        "--format",
        "json",
        sql,
    ]
    return subprocess.run(command, env=run.driver.environment, check=True, capture_output=True).stdout.splitlines()


def _is_planned(run: Scene) -> bool:
    with closing(sqlite3.connect(run.folder / "ledger.sqlite3")) as ledger:
        return any(planned for (planned,) in ledger.execute("SELECT planned FROM log_replay_run"))


@pytest.mark.parametrize("seed", range(RUNS))
def test_nothing_is_lost_or_doubled_by_random_kills(driver, source, statements, tmp_path, seed):
    dice = random.Random(seed)
    kind = DESTINATIONS[seed % len(DESTINATIONS)]
    logs = Logs(source, tmp_path)
    with KeepingLrs() as lrs:
        arguments = [*logs.arguments, *_destination(kind, lrs), "--log_to", "null"]
        run = Scene(driver, tmp_path / "run", [*arguments, "--workers", str(dice.choice([1, 1, 2]))])
        code = None
        for start in range(MOST_STARTS):
            seam, moment = dice.choice([*SEAMS, *SEAMS_OF[kind]]), dice.choice(["before", "after"])
            kill = {"seam": seam, moment: dice.randint(1, 6)} if start < dice.randint(1, 4) else None
            code = run.run(kill)
            if code == 0:
                break
            assert code == KILLED, run.log
            if dice.random() < 0.4:
                logs.grow(dice.choice(["a.log", "c.log", "d.log"]))
            if dice.random() < 0.2 and _is_planned(run):
                logs.rotate("a.log")
                run.run()
                logs.rotate_back("a.log")
        assert code == 0, run.log
        assert run.counted["complete"]
        assert _delivered(kind, lrs, run) == statements
