"""Fixtures for runs: in this process with the database of the tests, or in a process started like an operator does."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from log_replay.options import read_options
from log_replay.options.arguments import add_arguments
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from tests.support.command_server import CommandServer

#: No run of a test takes longer, even on a busy machine.
LONGEST_SECONDS = 1500


def parsed(arguments: list[str]):
    """Return the options of a command line."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return read_options(vars(parser.parse_args(arguments)))


@pytest.fixture
def options():
    return parsed


@pytest.fixture
def logs(tmp_path, sample_log):
    """A folder ``logs`` with the sample log. Its parent is the ``key`` for LOCAL."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "tracking.log").write_bytes(sample_log)
    return folder


@pytest.fixture
def source(logs):
    """The arguments for ``logs`` as the source."""
    config = {"key": str(logs.parent), "container": logs.name}
    return ["--source_provider", "LOCAL", "--source_config", json.dumps(config)]


@pytest.fixture
def replay(sample_identities):
    """Return a function that runs with arguments in this process and returns the report."""

    def run(*arguments: str):
        return Replay(parsed(["--transformer_type", "xapi", *arguments])).replay(ProgressLog())

    return run


class Shell:
    """Starts ``log-replay`` in a process, with its own state folder."""

    def __init__(self, home: Path) -> None:
        self.environment = {
            **os.environ,
            "LOG_REPLAY_HOME": str(home),
            "LOG_REPLAY_RETIRED_USER_SALTS": "sample-salt",
            "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings",
        }
        self.command = [sys.executable, "-c", "from log_replay.management.main import main; main()"]

    def start(self, *arguments: str, **how) -> subprocess.Popen[bytes]:
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **how}
        return subprocess.Popen([*self.command, *arguments], env=self.environment, **how)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*self.command, *arguments], env=self.environment, input=stdin, capture_output=True)  # noqa: PLW1510 - tests check the exit code


class ForkingShell(Shell):
    """A shell whose calls are forked from one process that has imported everything: it takes a third of the time."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._server = CommandServer(self.environment)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        if self._server.environment != self.environment:
            self.close()
            self._server = CommandServer(self.environment)
        with TemporaryDirectory() as name:
            paths = {stream: Path(name) / stream for stream in ("stdin", "stdout", "stderr")}
            paths["stdin"].write_bytes(stdin)
            streams = {stream: str(path) for stream, path in paths.items()}
            code = self._server.run([*arguments], Path.cwd(), streams, longest_seconds=LONGEST_SECONDS)
            outputs = [paths[stream].read_bytes() for stream in ("stdout", "stderr")]
        return subprocess.CompletedProcess([*arguments], code, *outputs)

    def close(self) -> None:
        """End the process that forks."""
        self._server.close()


def sample_shell(home: Path) -> ForkingShell:
    """Return a shell with the sample identities in its embedded database. The caller closes it."""
    shell = ForkingShell(home)
    loaded = shell("load_identities", "sample")
    assert loaded.returncode == 0, loaded.stderr
    return shell


@pytest.fixture(scope="session")
def shell(tmp_path_factory):
    """A shell for all tests: earlier runs may have added external ids."""
    with closing(sample_shell(tmp_path_factory.mktemp("shell"))) as shell:
        yield shell


@pytest.fixture
def fresh_shell(tmp_path):
    """A shell for one test."""
    with closing(sample_shell(tmp_path / "home")) as shell:
        yield shell
