"""A long run into a slow LRS with temporary errors: every statement arrives, and memory is bounded.

``LOG_REPLAY_SOAK_LINES`` is the number of lines (default 50,000; a full soak test has 1,000,000).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests import generate_log
from tests.support.flaky_lrs import FlakyLrs
from tests.support.peak_memory import RUNNER

LINES = int(os.environ.get("LOG_REPLAY_SOAK_LINES", "50000"))
#: The memory of any run (Django, transformers, the cache of identities) and of one batch.
MOST_RSS_MB = 250


@pytest.fixture
def program(tmp_path):
    """``log-replay`` in a process of its own that says how much memory it took; knows the log's users."""
    environment = {
        **os.environ,
        "LOG_REPLAY_HOME": str(tmp_path / "home"),
        "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", RUNNER, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    (tmp_path / "identities.json").write_text(json.dumps(generate_log.identities(users=2000, courses=20)))
    loaded = run("load_identities", str(tmp_path / "identities.json"))
    assert loaded.returncode == 0, loaded.stderr
    return run


@pytest.mark.timeout(3600)
def test_long_run_into_a_flaky_lrs_is_complete(program, tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    with (logs / "tracking.log").open("wb") as file:
        file.writelines(generate_log.lines(count=LINES, known=0.5, users=2000, courses=20))
    summary = tmp_path / "summary.json"
    # Each temporary error costs a delay of a second or more, so there are three in a row at most. A busy machine can
    # stop the LRS for seconds, so the timeout is long: a response after the timeout would be lost.
    with FlakyLrs(seed=1, faults=10, most_in_row=3, seconds_each=0.00005) as lrs:
        done = program(
            "transform_tracking_logs",
            *("--transformer_type", "xapi", "--source_provider", "LOCAL"),
            *("--source_config", json.dumps({"key": str(tmp_path), "container": "logs"})),
            *("--destination_config", json.dumps({"url": lrs.url, "timeout_seconds": 60})),
            *("--batch_size", "500", "--lrs_concurrency", "2", "--sleep_between_batches_secs", "0"),
            *("--summary", str(summary), "--run", "soak"),
        )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(summary.read_text())
    rss_mb = int(done.stderr.rsplit("rss_kb=", 1)[1]) / 1024
    sys.stderr.write(f"{report['total']} in {report['seconds']} s, {rss_mb:.0f} MB, {lrs.requests} requests\n")
    assert report["total"]["lines"] == LINES
    assert report["total"]["delivered"] == len(lrs.stored) > LINES // 3
    assert report["total"]["failed"] == 0
    assert lrs.sent_again == []
    assert rss_mb < MOST_RSS_MB
