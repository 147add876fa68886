"""Runs that are killed at random, into every kind of destination, while their logs grow and are rotated.

``LOG_REPLAY_KILL_RUNS`` is the number of runs (default 5). Each has a seed: the destination, the number of workers, the
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
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.keeping_lrs import KeepingLrs
from tests.support.scenes import INTO_FILES, KILLED, Scene

if TYPE_CHECKING:
    from tests.support.servers import S3

RUNS = int(os.environ.get("LOG_REPLAY_KILL_RUNS", "5"))
DESTINATIONS = ("files", "lrs", "clickhouse", "s3", "logger")
#: Seams of every run, and those of each destination.
SEAMS = ["plan", "claim", "count", "reject", "record", "record, inside", "finish"]
SEAMS_OF = {
    "files": ["deliver to files", "write", "rename", "finish files"],
    "lrs": ["deliver to an LRS"],
    "clickhouse": [],
    "s3": ["put", "deliver to files"],
    "logger": ["log", "flush"],
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


class Destination:
    """Where a run delivers, and the statements that have arrived there."""

    def __init__(self, kind: str, lrs: KeepingLrs, s3: S3) -> None:
        self.kind = kind
        self._lrs = lrs
        self._s3 = s3

    @property
    def arguments(self) -> list[str]:
        """The options that name it. Of statements in a log, those of the batch in flight can be there twice."""
        match self.kind:
            case "files":
                return [*INTO_FILES, "--log_to", "null"]
            case "s3":
                return [*self._options("MINIO", self._s3.config), "--log_to", "null"]
            case "lrs":
                more = ["--sleep_between_batches_secs", "0", "--log_to", "null"]
                return [*self._options("LRS", {"url": self._lrs.url}), *more]
            case "clickhouse":
                options = self._options("CLICKHOUSE", {"path": "KEY/clickhouse"})
                return [*options, "--create_tables", "--log_to", "null"]
            case _:
                return ["--destination_provider", "LOGGER", "--log_format", "raw", "--log_to", "file:OUT/statements"]

    def statements(self, run: Scene) -> Counter[bytes]:
        """Return every statement that is stored. LRSs and ClickHouse keep one statement for each id."""
        match self.kind:
            case "files":
                return _statements(run.out)
            case "s3":
                names = [name for name in self._s3.names() if not name.endswith("manifest.json")]
                return Counter(line for name in names for line in self._s3.read(name).splitlines())
            case "lrs":
                return Counter(self._lrs.stored.values())
            case "clickhouse":
                rows = _query(run, "SELECT event FROM statements")
                return Counter(json.loads(row)["event"].encode() for row in rows)
            case _:
                return Counter(set((run.out / "statements").read_bytes().splitlines()))

    def _options(self, provider: str, config: dict[str, Any]) -> list[str]:
        return ["--destination_provider", provider, "--destination_config", json.dumps(config)]


def _query(run: Scene, sql: str) -> list[bytes]:
    program = "from log_replay.management.main import main; main()"
    options = ["query", "--path", str(run.folder / "clickhouse"), "--format", "json", sql]
    command = [sys.executable, "-c", program, *options]
    return subprocess.run(command, env=run.driver.environment, check=True, capture_output=True).stdout.splitlines()


def _has_begun(run: Scene, name: str) -> bool:
    """Tell whether a part of an object is recorded. Before that, a run replays the object as it is now."""
    with closing(sqlite3.connect(run.folder / "ledger.sqlite3")) as ledger:
        states = ledger.execute("SELECT state FROM log_replay_rununit WHERE object = ?", [name])
        return any(state != "waiting" for (state,) in states)


@pytest.mark.parametrize("seed", range(RUNS))
def test_nothing_is_lost_or_doubled_by_random_kills(driver, source, statements, s3, tmp_path, seed):
    dice = random.Random(seed)
    logs = Logs(source, tmp_path)
    with KeepingLrs() as lrs:
        destination = Destination(DESTINATIONS[seed % len(DESTINATIONS)], lrs, s3)
        arguments = [*logs.arguments, *destination.arguments, "--workers", str(dice.choice([1, 1, 2]))]
        run = Scene(driver, tmp_path / "run", arguments)
        code = None
        for start in range(MOST_STARTS):
            seam, moment = dice.choice([*SEAMS, *SEAMS_OF[destination.kind]]), dice.choice(["before", "after"])
            kill = {"seam": seam, moment: dice.randint(1, 6)} if start < dice.randint(1, 4) else None
            code = run.run(kill)
            if code == 0:
                break
            assert code == KILLED, run.log
            if dice.random() < 0.4:
                logs.grow(dice.choice(["a.log", "c.log", "d.log"]))
            if dice.random() < 0.2 and _has_begun(run, "a.log"):
                logs.rotate("a.log")
                run.run()
                logs.rotate_back("a.log")
        assert code == 0, run.log
        assert run.counted["complete"]
        assert destination.statements(run) == statements
