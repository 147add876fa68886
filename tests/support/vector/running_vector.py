"""Find the Vector binary, and set it up, run it and stop it in tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BINARY = os.environ.get("LOG_REPLAY_VECTOR") or shutil.which("vector")
STAND_IN = (sys.executable, "-m", "tests.support.vector.stand_in")
#: Without a limit, Vector 0.54 to 0.57 can lose the last lines of stdin.
SHUTDOWN = ("--graceful-shutdown-limit-secs", "86400")
SECRETS = ("clickhouse_password", "lrs_password", "caliper_token", "s3_access_key", "s3_secret_key")
#: Vector waits up to 30 s for open connections when it is stopped.
STOP_TIMEOUT_SECONDS = 90
#: A debug build of Vector on a busy machine takes minutes to validate a composition.
COMMAND_TIMEOUT_SECONDS = 600


@dataclass
class Vector:
    """A Vector with its own folder, or a stand-in for it.

    Attributes:
        program: the command without its arguments.
        folder: an empty folder for its data, its secrets and its log.
        settings: environment variables that the configs read.
        shutdown: arguments for the limit of the time to stop.
        log: stdout and stderr of the process that runs or ran last.
    """

    program: tuple[str, ...]
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    shutdown: tuple[str, ...] = SHUTDOWN
    log: Path | None = None

    def __post_init__(self) -> None:
        for name in ("data", "secrets"):
            (self.folder / name).mkdir()
        self.dead_letter = self.folder / "dead-letter.jsonl"
        self.settings = {
            "LOG_REPLAY_DATA_DIR": str(self.folder / "data"),
            "LOG_REPLAY_SECRETS_DIR": str(self.folder / "secrets"),
            "LOG_REPLAY_DEAD_LETTER": str(self.dead_letter),
            "LOG_REPLAY_SOCKET": str(self.folder / "s"),
        } | self.settings
        for name in SECRETS:
            self.secret(name, "unused")

    def secret(self, name: str, value: str) -> None:
        """Write a secret to the folder that the configs read."""
        (self.folder / "secrets" / name).write_text(f"{value}\n")

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("VECTOR_")}
        allow = {"VECTOR_DANGEROUSLY_ALLOW_ENV_VAR_INTERPOLATION": "true", "VECTOR_SELF_NODE_NAME": "node"}
        return inherited | allow | self.settings

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a subcommand, and wait until it ends."""
        return subprocess.run(
            [*self.program, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
        )

    def pipe(self, content: bytes, *paths: Path) -> bytes:
        """Run a composition with this stdin until it ends successfully, and return its stdout."""
        ended = self.piped(content, *paths)
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout

    def piped(self, content: bytes, *paths: Path) -> subprocess.CompletedProcess[bytes]:
        """Run a composition with this stdin until it ends."""
        return subprocess.run(
            self._command(*paths),
            input=content,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
        )

    @contextlib.contextmanager
    def running(self, *paths: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Run a composition, and stop it as Kubernetes does: SIGTERM, and time to store what is left."""
        self.log = log = self.folder / f"vector-{time.monotonic_ns()}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._command(*paths),
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            try:
                yield process
                process.terminate()
                assert process.wait(STOP_TIMEOUT_SECONDS) == 0, log.read_text()
            finally:
                process.kill()
                process.wait()

    def dead_letter_lines(self) -> list[str]:
        """Return the lines of the dead letter file."""
        return self.dead_letter.read_text().splitlines() if self.dead_letter.exists() else []

    def _command(self, *paths: Path) -> list[str | Path]:
        return [*self.program, *self.shutdown, *(word for path in paths for word in ("--config", path))]


@pytest.fixture
def vector(tmp_path) -> Vector:
    """Set up Vector for one test."""
    return Vector((BINARY,), tmp_path)


def eventually(expected: object, found: Callable[[], object]) -> None:
    """Wait until ``found()`` returns what is expected."""
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while (now := found()) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert now == expected
