"""Lines at which workers die are skipped, stay undone in the ledger, and are transformed when the run is resumed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: Kills the worker at every block with a marked line, unless the file ``enough-memory`` exists.
DEADLY_TRANSFORM = """
import os, signal
from contextlib import contextmanager
from pathlib import Path
from log_replay.pipeline import transform
real = transform.open_transform

@contextmanager
def open_transform(settings):
    with real(settings) as transform_block:
        def deadly(block):
            if b"deadly" in bytes(block.text) and not Path(__file__).with_name("enough-memory").exists():
                os.kill(os.getpid(), signal.SIGKILL)
            return transform_block(block)
        yield deadly
"""
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import django; django.setup();"
    "import deadly_transform; from log_replay.pipeline import run;"
    "run.open_transform = deadly_transform.open_transform;"
    "from log_replay.management.main import main; main()"
)


@pytest.fixture
def start(shell, logs, source, tmp_path):
    """Return a function that runs into files with the deadly transform, or resumes, and returns process and summary."""
    (tmp_path / "deadly_transform.py").write_text(DEADLY_TRANSFORM)
    lines = (logs / "tracking.log").read_bytes().splitlines(keepends=True)
    known = [number for number, line in enumerate(lines) if b'"play_video"' in line]
    marked = known[len(known) // 2]
    lines[marked] = lines[marked].replace(b"{", b'{"deadly": 1, ', 1)
    (logs / "tracking.log").write_bytes(b"".join(lines))

    def run(out: str, *arguments: str) -> tuple[subprocess.CompletedProcess[bytes], dict, list[bytes]]:
        folder = tmp_path / out
        folder.mkdir(exist_ok=True)
        place = json.dumps({"key": str(tmp_path), "container": out})
        into = ["--destination_provider", "LOCAL", "--destination_config", place, "--batch_size", "20"]
        summary = tmp_path / "summary.json"
        command = ["transform_tracking_logs", "--transformer_type", "xapi", *source, *into, "--run", out]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), *command, *arguments, "--summary", str(summary)],
            env={**shell.environment, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            check=False,
        )
        statements = [line for path in folder.rglob("xapi_*") for line in path.read_bytes().splitlines()]
        return done, json.loads(summary.read_text()), sorted(statements)

    return run


def test_skipped_lines_are_transformed_by_the_resumed_run(start, shell, tmp_path):
    died, skipped, before = start("skipping", "--workers", "2", "--add_external_ids", "no")
    assert died.returncode == 1
    assert b"the worker process died twice" in died.stderr
    assert b"runs resume skipping" in died.stderr
    assert "worker_died" not in skipped["rejects_by_reason"]
    assert skipped["imbalances"] == {}
    listed = shell("replay_runs", "show", "skipping").stdout
    assert json.loads(listed)["state"] == "stopped"
    assert json.loads(listed)["percent"] < 100
    (tmp_path / "enough-memory").touch()
    resumed, total, after = start("skipping", "--workers", "2", "--add_external_ids", "no")
    assert resumed.returncode == 0, resumed.stderr
    whole, expected, statements = start("whole", "--add_external_ids", "no")
    assert whole.returncode == 0
    assert len(before) < len(after)
    assert after == statements
    assert total["total"] == expected["total"]
    assert total["rejects_by_reason"] == expected["rejects_by_reason"]
    assert json.loads(shell("replay_runs", "show", "skipping").stdout)["percent"] == 100


def test_lines_skipped_again_leave_the_rest_done(start, tmp_path):
    """Each part of the run tries the skipped lines again, and nothing else."""
    _, first, before = start("again", "--workers", "2", "--add_external_ids", "no")
    died, second, after = start("again", "--workers", "2", "--add_external_ids", "no")
    assert died.returncode == 1
    assert set(before) <= set(after)
    assert first["total"]["lines"] <= second["total"]["lines"]
    (tmp_path / "enough-memory").touch()
    resumed, total, statements = start("again", "--workers", "2", "--add_external_ids", "no")
    assert resumed.returncode == 0
    assert total["total"]["statements"] == len(statements)
    assert total["imbalances"] == {}
