"""Fixtures for runs in this process, with the database of the tests."""

from __future__ import annotations

import argparse
import json

import pytest

from log_replay.options import read_options
from log_replay.options.arguments import add_arguments
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog


def parsed(*arguments: str):
    """Return the options of a command line."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return read_options(vars(parser.parse_args(["--transformer_type", "xapi", *arguments])))


@pytest.fixture
def logs(tmp_path, sample_log):
    """A folder with the sample log in two parts, and a folder ``out`` for output files."""
    folder = tmp_path / "logs"
    folder.mkdir()
    lines = sample_log.splitlines(keepends=True)
    (folder / "a.log").write_bytes(b"".join(lines[:250]))
    (folder / "b.log").write_bytes(b"".join(lines[250:]))
    (tmp_path / "out").mkdir()
    return folder


@pytest.fixture
def source(logs):
    config = json.dumps({"key": str(logs.parent), "container": "logs"})
    return ["--source_provider", "LOCAL", "--source_config", config]


@pytest.fixture
def into_files(source, logs):
    """The arguments of a run into files, in batches of 20."""
    config = json.dumps({"key": str(logs.parent), "container": "out"})
    return [*source, "--destination_provider", "LOCAL", "--destination_config", config, "--batch_size", "20"]


@pytest.fixture
def replay(sample_identities):
    """Return a function that runs with arguments and returns the report."""

    def run(*arguments: str):
        return Replay(parsed(*arguments)).replay(ProgressLog())

    return run


class Interrupting(ProgressLog):
    """Stops a run as Ctrl-C does, after a number of lines."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self.stop_at = lines

    def advance(self, offset: int, lines: int) -> None:
        super().advance(offset, lines)
        if self.lines >= self.stop_at:
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(sample_identities):
    """Return a function that runs in small units, stops after 150 lines, and returns the report."""

    def run(*arguments: str):
        return Replay(parsed(*arguments, "--unit_size", "50KB")).replay(Interrupting(150))

    return run
