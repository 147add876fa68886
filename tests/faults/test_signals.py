"""SIGTERM and SIGINT: the batch in flight is finished, or given up when the grace is over; the run can be resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.scenes import wait_for
from tests.support.scripted_server import LrsResponse

COMMAND = [sys.executable, "-c", "from log_replay.management.main import main; main()", "transform_tracking_logs"]


@pytest.fixture
def start(scene, server, tmp_path):
    """Start a run into an LRS whose second batch takes some seconds; give its process once that is in flight."""
    destination = json.dumps({"url": server.url, "username": "u", "password": "p"})
    where = ["--destination_provider", "LRS", "--destination_config", destination, "--log_to", "null"]
    run = scene("run", *where, "--sleep_between_batches_secs", "0")
    home = run.folder / "home"
    home.mkdir()
    shutil.copy(run.folder / "ledger.sqlite3", home / "log-replay.sqlite3")
    started = []

    def start(seconds: float, *arguments: str, prefix=()) -> subprocess.Popen[bytes]:
        # The first answer is to the question whether the LRS is there.
        server.script[:] = [LrsResponse(), LrsResponse(), LrsResponse(delay_seconds=seconds), LrsResponse()]
        command = [*prefix, *COMMAND, *run.arguments, "--run", "tested", *arguments]
        environment = {**run.driver.environment, "LOG_REPLAY_HOME": str(home)}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        if seconds:
            wait_for(lambda: len(server.posted) >= 2 or process.poll() is not None)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process) -> tuple[int, str]:
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_batch_in_flight_is_finished_and_never_sent_again(start, server, number):
    process = start(1.5)
    process.send_signal(number)
    code, said = ended(process)
    assert code == 1
    assert number.name in said
    assert "--run tested" in said
    assert "Traceback" not in said
    sent = len(server.posted)
    assert sent == 2
    assert ended(start(0))[0] == 0
    bodies = [asked.body for asked in server.posted]
    assert len(bodies) == len(set(bodies)) > 5


def test_a_batch_that_takes_longer_than_the_grace_is_given_up_and_sent_again(start, server):
    process = start(20, "--grace_secs", "0.5")
    began = time.monotonic()
    process.terminate()
    code, said = ended(process)
    assert time.monotonic() - began < 8
    assert code == 1
    assert "longer than 0.5 seconds" in said
    assert ended(start(0))[0] == 0
    bodies = [asked.body for asked in server.posted]
    assert [bodies.count(body) for body in dict.fromkeys(bodies)].count(2) == 1


def test_a_second_signal_ends_it_at_once(start, server):
    process = start(20)
    began = time.monotonic()
    process.terminate()
    time.sleep(0.3)
    assert process.poll() is None
    process.terminate()
    assert process.wait(10) == 1
    assert time.monotonic() - began < 5
    assert ended(start(0))[0] == 0


def test_it_works_as_process_1(start):
    """To the first process of a container the kernel gives no signal that it has no handler for."""
    unshare = shutil.which("unshare")
    namespace = [unshare or "unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if not unshare or subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("PID namespaces need util-linux and the right to make them: run as root")
    process = start(1.5, prefix=namespace)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    os.kill(int(child), signal.SIGTERM)
    code, said = ended(process)
    assert code == 1
    assert "SIGTERM" in said
    assert ended(start(0, prefix=namespace))[0] == 0
