"""Runs in processes that may be killed, from their first start to their end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
KILLED = -9
INTO_FILES = ["--destination_provider", "LOCAL", "--destination_config", '{"key": "KEY", "container": "out"}']
#: The parts of a summary that are the same for an interrupted and for an uninterrupted run.
COUNTED = (
    "complete", "total", "objects", "failed_objects", "skipped_objects", "lost_by_loggers", "refusals",
    "statements_by_event", "rejects_by_reason", "unknown_names", "transform_paths", "unsupported_shapes",
)  # fmt: skip


class Driver:
    """Starts the process that forks the runs, and sends it commands."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            **os.environ,
            "LOG_REPLAY_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings",
        }
        for command in (["migrate", "--verbosity", "0"], ["load_identities", str(home / "identities.json")]):
            subprocess.run(
                [sys.executable, "-c", "from log_replay.management.main import main; main()", *command],
                env=self.environment,
                check=True,
                capture_output=True,
            )
        with (home / "driver.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "killed_runs.py")],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def __call__(self, **command: Any) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, (self.home / "driver.log").read_text()
        return int(answer)

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


@dataclass
class Scene:
    """One run, with its own database and folder.

    In its arguments, KEY stands for the folder, and OUT for the folder ``out`` in it.
    """

    driver: Driver
    folder: Path
    arguments: list[str]
    codes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        places = {"OUT": str(self.out), "KEY": str(self.folder)}
        for name, place in places.items():
            self.arguments = [argument.replace(name, place) for argument in self.arguments]
        self.out.mkdir()
        shutil.copy(self.driver.home / "log-replay.sqlite3", self.folder / "ledger.sqlite3")

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def command(self, *arguments: str, **more: Any) -> int:
        """Run a management command with the database of the run."""
        return self.driver(
            arguments=arguments,
            database=str(self.folder / "ledger.sqlite3"),
            log=str(self.folder / "log"),
            calls=str(self.folder / "calls.json"),
            **more,
        )

    def run(self, kill: dict | None = None) -> int:
        """Start the run, or start it again."""
        own = ["--summary", str(self.folder / "summary.json"), "--rejects", str(self.folder / "rejects.jsonl")]
        arguments = ["transform_tracking_logs", *self.arguments, *own, "--run", "tested"]
        code = self.command(*arguments, **({"kill": kill} if kill else {}))
        self.codes.append(code)
        return code

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def calls(self) -> dict[str, int]:
        return json.loads((self.folder / "calls.json").read_text())

    @property
    def counted(self) -> dict[str, Any]:
        summary = json.loads((self.folder / "summary.json").read_text())
        return {name: summary[name] for name in COUNTED}

    @property
    def rejects(self) -> bytes:
        return (self.folder / "rejects.jsonl").read_bytes()

    @property
    def files(self) -> dict[str, bytes]:
        """The files in ``out``. The manifest is without its creation times."""
        found = {path.name: path.read_bytes() for path in self.out.iterdir()}
        if "manifest.json" in found:
            manifest = json.loads(found["manifest.json"])
            for run in manifest["runs"]:
                del run["created"]
            found["manifest.json"] = json.dumps(manifest).encode()
        return found


def wait_for(condition, seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
