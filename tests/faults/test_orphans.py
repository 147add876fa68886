"""No worker process is left when the process of the run is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.scenes import wait_for

COMMAND = [sys.executable, "-c", "from log_replay.management.main import main; main()", "transform_tracking_logs"]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it reads /proc: run it on Linux")
def test_workers_end_when_the_run_is_killed(driver, source):
    where = ["--destination_provider", "LOGGER", "--log_to", "null", "--workers", "2"]
    slowly = ["--batch_size", "2", "--sleep_between_batches_secs", "5"]
    process = subprocess.Popen(
        [*COMMAND, *source, *where, *slowly],
        env=driver.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # The third child is the resource tracker of multiprocessing.
    wait_for(lambda: len(children(process.pid)) == 3 or process.poll() is not None)
    workers = children(process.pid)
    assert len(workers) == 3
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(map(runs, workers)))
