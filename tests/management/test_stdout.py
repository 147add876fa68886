"""Commands whose stdout cannot be written: a closed pipe, a full disk, no stdout at all."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LOG_REPLAY = Path(sys.executable).parent / "log-replay"
FULL = pytest.param(
    ">/dev/full", 1, "write to stdout: No space left on device", id="full disk",
    marks=pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no device /dev/full"),
)  # fmt: skip
#: Ways to lose stderr: closed, a reader that ends at once, a full disk.
NO_STDERR = ["2>&-", "2> >(exec true)", "2>/dev/full"]
CLOSED = pytest.param(">&-", 2, "write to stdout: it is closed", id="closed")
SAMPLE = {"key": str(ROOT / "log_replay" / "standalone"), "container": "sample", "prefix": "tracking.log"}
SOURCE = ["--source_provider", "LOCAL", "--source_config", json.dumps(SAMPLE), "--transformer_type", "xapi"]
#: The reader ends before anything is written: the pipe is closed.
UNREAD = pytest.param("| exec true", 0, "", id="closed pipe")


def run(folder, redirection, *arguments):
    """Run ``log-replay`` in a shell; return its exit code and stderr."""
    command = f"{shlex.join([str(LOG_REPLAY), *arguments])} {redirection}; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "LOG_REPLAY_HOME": str(folder / "home")}
    done = subprocess.run(
        ["bash", "-c", command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.fixture
def statements(tmp_path):
    """A folder with enough statements to fill any buffer of a pipe."""
    folder = tmp_path / "statements"
    folder.mkdir()
    (folder / "rows.log").write_text(
        "".join(json.dumps({"id": f"{n}", "verb": {"id": "v" * 500}}) + "\n" for n in range(500))
    )
    return folder


@pytest.mark.parametrize(("redirection", "code", "expected"), [FULL, CLOSED, UNREAD])
def test_query_ends_without_a_traceback(tmp_path, statements, redirection, code, expected):
    query = ["query", "SELECT * FROM statements", "--files", str(statements / "rows.log")]
    returncode, stderr = run(tmp_path, redirection, *query)
    assert returncode == code
    assert expected in stderr
    assert stderr.count("\n") == bool(expected)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """A folder with an embedded ClickHouse that has the statements of the sample log."""
    folder = tmp_path_factory.mktemp("replayed")
    run(folder, "", "load_identities", "sample")
    into = ["--destination_provider", "CLICKHOUSE", "--create_tables"]
    assert run(folder, "", "transform_tracking_logs", *SOURCE, *into)[0] == 0
    return folder


@pytest.mark.parametrize(("redirection", "code", "expected"), [FULL, CLOSED, UNREAD])
def test_gaps_end_without_a_traceback(replayed, redirection, code, expected):
    returncode, stderr = run(replayed, redirection, "replay_gaps", *SOURCE)
    assert returncode == code
    assert expected in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("redirection", NO_STDERR)
def test_exit_codes_stay_right_without_stderr(replayed, redirection):
    assert run(replayed, redirection, "replay_gaps", *SOURCE)[0] == 0
    assert run(replayed, redirection, "query", "SELEC 1")[0] == 2
    assert run(replayed, redirection, "dump_data_to_clickhouse", "--object", "external_id", "--sleep_time", "0")[0] == 0
