"""Runs with worker processes: the output never depends on them, and the death of one does not end the run."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import generate_log

XAPI = ["transform_tracking_logs", "--transformer_type", "xapi", "--destination_provider", "LOGGER"]
RAW = ["--log_format", "raw"]


@pytest.fixture
def many_blocks(logs, sample_log):
    """A log of about twenty blocks, and a second object after it."""
    (logs / "tracking.log").write_bytes(sample_log * 40)
    (logs / "tracking.log.1").write_bytes(sample_log)
    return logs


def children(pid: int) -> list[int]:
    """Return the child processes of a process, with their own children."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    direct = [int(child) for child in found.stdout.split()]
    return direct + [below for child in direct for below in children(child)]


def workers_of(pid: int) -> list[int]:
    """Return the workers among them, without the resource tracker of multiprocessing."""
    return [child for child in children(pid) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def wait_for(condition, seconds=60.0):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


@pytest.mark.usefixtures("many_blocks")
def test_number_of_workers_does_not_change_the_output(shell, source):
    outputs = [shell(*XAPI, *source, *RAW, "--workers", str(workers)) for workers in (1, 2, 3)]
    assert [done.returncode for done in outputs] == [0, 0, 0]
    assert len({hashlib.sha256(done.stdout).hexdigest() for done in outputs}) == 1
    assert len(outputs[0].stdout.splitlines()) > 10_000


@pytest.mark.usefixtures("many_blocks")
def test_death_of_a_worker_loses_no_statement(shell, source, tmp_path):
    expected = shell(*XAPI, *source, *RAW).stdout
    with (tmp_path / "out").open("wb") as out:
        process = shell.start(*XAPI, *source, *RAW, "--workers", "2", stdout=out)
        victim = wait_for(lambda: workers_of(process.pid))[0]
        wait_for(lambda: (tmp_path / "out").stat().st_size > 0)
        if process.poll() is None:
            os.kill(victim, signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert (tmp_path / "out").read_bytes() == expected


# A worker that takes too much memory is killed by the kernel with SIGKILL, as here at one block.
DEADLY_TRANSFORM = """
import os, signal, sys
from log_replay.pipeline import run, transform
real = transform.open_transform
from contextlib import contextmanager

@contextmanager
def open_transform(options):
    with real(options) as transform:
        def deadly(block):
            if b"deadly" in bytes(block.text):
                os.kill(os.getpid(), signal.SIGKILL)
            return transform(block)
        yield deadly
"""


def test_block_that_ends_every_worker_fails_alone(shell, source, many_blocks, tmp_path):
    (many_blocks / "tracking.log.0").write_bytes(b'{"event": "", "name": "deadly"}\n' * 3)
    (tmp_path / "deadly_transform.py").write_text(DEADLY_TRANSFORM)
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import django; django.setup();"
        "import deadly_transform; from log_replay.pipeline import run;"
        "run.open_transform = deadly_transform.open_transform;"
        "from log_replay.management.main import main; main()"
    )
    arguments = [*XAPI, *source, *RAW, "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), *arguments],
        env={**shell.environment, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 1
    message = b"transform tracking.log.0 at offset 0: the worker process died twice at this block (lines: 1)"
    assert message in done.stderr
    assert done.stdout == shell(*XAPI, *source, *RAW).stdout


@pytest.mark.usefixtures("many_blocks")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_run_and_its_workers(shell, source, number):
    process = shell.start(*XAPI, *source, "--log_to", "null", "--workers", "2", start_new_session=True)
    workers = wait_for(lambda: len(found := workers_of(process.pid)) == 2 and found)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in {0, 1}
    assert b"Traceback" not in errors
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


@pytest.mark.usefixtures("many_blocks")
def test_slow_reader_of_stdout_keeps_memory_bounded(shell, source):
    """Results wait in the workers, not in the parent."""
    process = shell.start(*XAPI, *source, *RAW, "--workers", "2")
    wait_for(lambda: len(workers_of(process.pid)) == 2)
    time.sleep(6)
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
    process.stdout.close()
    with process.stderr:
        process.stderr.read()
    process.wait(20)
    assert peak_mb < 150


def test_auto_means_one_worker_for_each_core(options, source):
    assert options(["--transformer_type", "xapi", *source, "--workers", "auto"]).workers >= 1


def test_statement_of_each_line_is_shown_before_the_next_line(shell, tmp_path):
    """Standard input can be a pipe from a program that goes on for long."""
    lines = list(generate_log.lines(count=20, known=1.0, users=3, courses=1, seed=1))[:3]
    identities = tmp_path / "identities.json"
    identities.write_text(json.dumps(generate_log.identities(users=3, courses=1)))
    assert shell("load_identities", str(identities)).returncode == 0
    started = shell.start(
        *XAPI, *RAW, "--source_provider", "STDIN", "--workers", "2", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with started as process:
        for line in lines:
            process.stdin.write(line)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"]
        process.stdin.close()
        process.stdout.read()
    assert process.returncode == 0
