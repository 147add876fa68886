"""The command together with Vector: every statement passes, and a run ends cleanly if its reader ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.support.listeners import Listener
from tests.support.paths import SAMPLE
from tests.support.vector.emitted import FORMATTERS
from tests.support.vector.engines import Topology
from tests.support.vector.shipped import DEAD_LETTER, TRANSFORMS, composed

CONFIG = composed(TRANSFORMS, DEAD_LETTER)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Return a function that starts `log-replay` with its own home, which contains the sample's users."""
    home = tmp_path_factory.mktemp("command")
    salts = json.loads((SAMPLE / "identities.json").read_text())["retired_user_salts"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "LOG_REPLAY"))}
    environment = inherited | {"LOG_REPLAY_HOME": str(home), "LOG_REPLAY_RETIRED_USER_SALTS": ",".join(salts)}
    log_replay = [sys.executable, "-c", "from log_replay.management.main import main; main()"]
    subprocess.run([*log_replay, "load_identities", "sample"], env=environment, check=True, capture_output=True)
    source = json.dumps({"key": str(SAMPLE.parent), "container": SAMPLE.name, "prefix": "tracking.log"})

    def run(*arguments, transformer_type="xapi", **how):
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **how}
        what = ["--source_provider", "LOCAL", "--source_config", source, "--transformer_type", transformer_type]
        return subprocess.Popen(
            [*log_replay, "transform_tracking_logs", *what, "--dry_run", *arguments], env=environment, **how
        )

    return run


@pytest.mark.parametrize(
    ("log_format", "transformer_type"), [*((name, "xapi") for name in FORMATTERS), ("json", "caliper")]
)
def test_every_statement_of_the_sample_passes_the_transform(start, vrl_python, log_format, transformer_type, tmp_path):
    summary = tmp_path / "summary.json"
    arguments = ["--log_to", "stdout", "--log_format", log_format, "--summary", str(summary)]
    process = start(*arguments, transformer_type=transformer_type)
    out, err = process.communicate(timeout=60)
    emitted = out.decode().splitlines()

    outputs = Topology(CONFIG, vrl_python).run("statements_read", [{"message": line} for line in emitted])

    assert process.returncode == 0, err.decode()
    assert json.loads(summary.read_text())["total"]["statements"] == len(emitted) > 100
    assert outputs.get("dead_letter", []) == []
    taken = [event["event"] for event in outputs[f"statements_kind.{transformer_type}"]]
    assert all(line.endswith((text, text + "}")) for line, text in zip(emitted, taken, strict=True))


def test_listener_gets_the_same_lines_as_stdout(start):
    out, _ = start("--log_to", "stdout", "--log_format", "raw").communicate(timeout=60)
    with Listener() as listener:
        process = start("--log_to", listener.url, "--log_format", "raw")
        process.communicate(timeout=60)

        assert process.returncode == 0
        assert b"".join(line + b"\n" for line in listener.lines) == out


def test_a_closed_pipe_ends_the_run_without_a_traceback(start):
    process = start("--log_to", "stdout", "--log_format", "raw")
    process.stdout.read(1000)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()

    assert process.wait(60) == 1
    assert b"the reader has closed it" in err
    assert b"Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_a_run_that_waits_for_its_reader(start, number):
    process = start("--log_to", "stdout", "--log_format", "raw")
    process.stdout.read(1)
    started = time.monotonic()
    process.send_signal(number)
    assert process.wait(60) == 1

    # Without the signal it would wait much longer: 20 s of grace, or 600 s for a listener.
    assert time.monotonic() - started < 15
    assert b"Traceback" not in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


def test_signals_end_a_run_that_waits_for_its_listener(start):
    with Listener(fail_after=1) as listener:
        process = start("--log_to", listener.url, "--log_format", "raw", "--grace_secs", "1")
        for line in process.stderr:
            if b"connection to the listener lost" in line:
                break
    started = time.monotonic()
    process.terminate()
    _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    # Without the signal it would wait much longer: 20 s of grace, or 600 s for a listener.
    assert time.monotonic() - started < 15
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    ("log_to", "reason"),
    [("tcp://nosuch.invalid:99", b"unknown host"), ("unix:{folder}/regular", b"not a socket")],
)
def test_a_run_without_a_listener_is_refused(start, tmp_path, log_to, reason):
    (tmp_path / "regular").write_text("")

    process = start("--log_to", log_to.format(folder=tmp_path))
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (2, b"")
    assert reason in err
    assert b"start the listener before the run" in err
    assert b"Traceback" not in err


def test_a_run_stops_if_its_listener_stays_away(start, tmp_path):
    summary = tmp_path / "summary.json"
    with Listener(fail_after=1) as listener:
        process = start("--log_to", listener.url, "--log_timeout_secs", "2", "--summary", str(summary))
        _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert b"waiting for the listener" in err
    assert b"the listener has not answered for 2 s" in err
    assert b"Traceback" not in err
    assert not json.loads(summary.read_text())["complete"]


@pytest.mark.parametrize("path", ["/dev/stderr", "/dev/null", "{folder}/pipe"])
def test_statements_can_go_to_a_device_or_a_pipe(start, tmp_path, path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.DEVNULL) as reader:
        process = start("--log_to", f"file:{path.format(folder=tmp_path)}", "--log_format", "raw", "--workers", "1")
        _, err = process.communicate(timeout=60)
        reader.terminate()

    assert process.returncode == 0, err.decode()
