"""SIGTERM and SIGINT: the batch in flight is finished within the grace time, and the run can be resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.scenes import wait_for
from tests.support.scripted_server import LrsResponse

#: A response that is later than every timeout of these tests.
LONG_SECONDS = 300
COMMAND = [sys.executable, "-c", "from log_replay.management.main import main; main()", "transform_tracking_logs"]


@pytest.fixture
def start(scene, server, tmp_path):
    """Return a function that starts a run into an LRS whose second response is late.

    It returns the process when the second batch is in flight.
    """
    destination = json.dumps({"url": server.url, "username": "u", "password": "p"})
    where = ["--destination_provider", "LRS", "--destination_config", destination, "--log_to", "null"]
    run = scene("run", *where, "--sleep_between_batches_secs", "0")
    home = run.folder / "home"
    home.mkdir()
    shutil.copy(run.folder / "ledger.sqlite3", home / "log-replay.sqlite3")
    started = []

    def start(seconds: float, *arguments: str, prefix=()) -> subprocess.Popen[bytes]:
        # The first response is for the check of the LRS at the start.
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


def pending(pid: int, number: signal.Signals) -> bool:
    """Return True until a process has received a signal that was sent to it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd:", "ShdPnd:"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def ended(process) -> tuple[int, str]:
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_batch_in_flight_is_finished_and_not_sent_again(start, server, number):
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


def test_batch_longer_than_the_grace_time_is_sent_again(start, server):
    process = start(LONG_SECONDS, "--grace_secs", "0.5")
    process.terminate()
    code, said = ended(process)
    assert code == 1
    assert "longer than 0.5 seconds" in said
    assert ended(start(0))[0] == 0
    bodies = [asked.body for asked in server.posted]
    assert [bodies.count(body) for body in dict.fromkeys(bodies)].count(2) == 1


def test_second_signal_ends_the_run_at_once(start, server):
    """Without waiting for the response or for the end of the grace time."""
    process = start(LONG_SECONDS, "--grace_secs", "3600")
    process.terminate()
    wait_for(lambda: not pending(process.pid, signal.SIGTERM))
    assert process.poll() is None
    process.terminate()
    assert process.wait(120) == 1
    assert ended(start(0))[0] == 0


def test_signals_are_handled_as_process_1(start):
    """The kernel sends process 1 of a container no signal that has no handler."""
    unshare = shutil.which("unshare")
    namespace = [unshare or "unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if not unshare or subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("PID namespaces need util-linux and the permission to create them: run as root")
    process = start(1.5, prefix=namespace)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    os.kill(int(child), signal.SIGTERM)
    code, said = ended(process)
    assert code == 1
    assert "SIGTERM" in said
    assert ended(start(0, prefix=namespace))[0] == 0
