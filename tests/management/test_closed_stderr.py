"""Runs whose stderr cannot be written, and lists of units and runs whose stdout cannot be written."""

from __future__ import annotations

import json

import pytest

from tests.management.test_stdout import CLOSED, FULL, UNREAD, run
from tests.support.paths import ROOT

SAMPLE = {"key": str(ROOT / "log_replay" / "standalone"), "container": "sample", "prefix": "tracking.log"}
REPLAY = [
    "transform_tracking_logs", "--transformer_type", "xapi", "--source_provider", "LOCAL",
    "--source_config", json.dumps(SAMPLE), "--destination_provider", "LOGGER", "--log_to", "null",
]  # fmt: skip


@pytest.mark.parametrize("redirection", ["2>&-", "2> >(exec true)", "2>/dev/full"])
@pytest.mark.parametrize(("options", "code"), [([], 0), (["--max_rejected", "0"], 3)])
def test_run_ends_with_summary_and_exit_code_without_stderr(tmp_path, redirection, options, code):
    summary = tmp_path / "summary.json"
    returncode, _ = run(tmp_path, redirection, *REPLAY, *options, "--summary", str(summary))
    assert json.loads(summary.read_text())["complete"]
    assert returncode == code


@pytest.mark.parametrize(("redirection", "code", "expected"), [FULL, CLOSED, UNREAD])
@pytest.mark.parametrize(
    "command", [[*REPLAY, "--plan", "--unit_size", "100"], ["replay_runs", "list"]], ids=["plan", "list"]
)
def test_lists_end_without_a_traceback(tmp_path, command, redirection, code, expected):
    assert run(tmp_path, "", *REPLAY, "--run", "x")[0] == 0
    returncode, stderr = run(tmp_path, redirection, *command)
    assert returncode == code
    assert expected in stderr
    assert stderr.count("\n") == bool(expected)
