"""Runs: in this process on the tests' database, or in one of their own as an operator starts them."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from log_replay.options import read_options
from log_replay.options.arguments import add_arguments
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog

if TYPE_CHECKING:
    from pathlib import Path


def parsed(arguments: list[str]):
    """Return the options that a command line gives."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return read_options(vars(parser.parse_args(arguments)))


@pytest.fixture
def options():
    return parsed


@pytest.fixture
def logs(tmp_path, sample_log):
    """A folder ``logs`` with the sample log in it; LOCAL's ``key`` is its parent."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "tracking.log").write_bytes(sample_log)
    return folder


@pytest.fixture
def source(logs):
    """The arguments that name it as the source."""
    config = {"key": str(logs.parent), "container": logs.name}
    return ["--source_provider", "LOCAL", "--source_config", json.dumps(config)]


@pytest.fixture
def replay(sample_identities):
    """Run with these arguments in this process and return the report."""

    def run(*arguments: str):
        return Replay(parsed(["--transformer_type", "xapi", *arguments])).replay(ProgressLog())

    return run


class Shell:
    """Starts ``log-replay`` as an operator does, with a state folder of its own."""

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
        return subprocess.run([*self.command, *arguments], env=self.environment, input=stdin, capture_output=True)  # noqa: PLW1510 - exit codes are what tests look at


def sample_shell(home: Path) -> Shell:
    """Return ``log-replay`` with the sample directory in its embedded database."""
    shell = Shell(home)
    loaded = shell("load_identities", "sample")
    assert loaded.returncode == 0, loaded.stderr
    return shell


@pytest.fixture(scope="session")
def shell(tmp_path_factory):
    """One for all tests: other runs may have given its users external ids."""
    return sample_shell(tmp_path_factory.mktemp("shell"))


@pytest.fixture
def fresh_shell(tmp_path):
    """One of the test's own."""
    return sample_shell(tmp_path / "home")
