"""The command as operators and jobs use it: exit codes, messages and output files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from log_replay.errors import ConfigurationError
from log_replay.options import read_options
from log_replay.sinks.lrs.settings import read_settings
from tests.support.paths import TESTS
from tests.support.runs import parsed

LOGGER = ["--destination_provider", "LOGGER"]
XAPI = ["transform_tracking_logs", "--transformer_type", "xapi"]


def test_stdout_carries_statements_and_stderr_the_rest(shell, source):
    done = shell(*XAPI, *source, *LOGGER, "--log_format", "raw")
    assert done.returncode == 0
    assert all(json.loads(line)["version"] == "1.0.3" for line in done.stdout.splitlines())
    assert b"tracking.log" in done.stderr


def test_stdout_is_empty_without_statements(shell, source):
    assert shell(*XAPI, *source, *LOGGER, "--log_to", "null").stdout == b""


def test_c_extension_does_not_change_the_output(shell, source, tmp_path):
    def run(c_extension):
        hide = "" if c_extension else "import sys; sys.modules['log_replay._speedups.functions'] = None; "
        python, option, program = shell.command
        summary = tmp_path / f"{c_extension}.json"
        arguments = [*XAPI, *source, *LOGGER, "--log_format", "raw", "--summary", summary]
        command = [python, option, hide + program, *arguments]
        done = subprocess.run(command, env=shell.environment, capture_output=True, check=True, stdin=subprocess.DEVNULL)
        told = json.loads(summary.read_text())
        assert (b"C extension not built; using the slower" in done.stderr) == (not told["c_extension"])
        return done.stdout, told

    (logged, told), (expected, expected_told) = run(c_extension=False), run(c_extension=True)
    assert (logged, told["c_extension"]) == (expected, False)
    for key in ("total", "rejects_by_reason", "unknown_names", "transform_paths"):
        assert told[key] == expected_told[key]


def test_more_rejects_than_allowed_exit_with_3(shell, source):
    done = shell(*XAPI, *source, *LOGGER, "--log_to", "null", "--max_rejected", "3")
    assert done.returncode == 3
    assert b"--rejects lists them" in done.stderr
    assert shell(*XAPI, *source, *LOGGER, "--log_to", "null", "--max_rejected", "50%").returncode == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_options_that_match_no_event_are_warnings(shell, source, workers):
    courses = ["--course", "course-v1:OrchardU+*", "--course", "course-v1:Orhcard+*"]
    done = shell(*XAPI, *source, *LOGGER, "--log_to", "null", *courses, "--org", "OrchardU", "--workers", workers)
    assert done.returncode == 0
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("WARNING no event matches")]
    assert lines == ["WARNING no event matches --course course-v1:Orhcard+*"]


def test_damaged_object_exits_with_1(shell, source, logs):
    (logs / "a.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03garbage")
    done = shell(*XAPI, *source, *LOGGER, "--log_to", "null")
    assert done.returncode == 1
    assert b"a.gz" in done.stderr


WRONG = {
    "unknown provider": (["--source_provider", "LOKAL"], "LOKAL"),
    "unknown destination": (["--destination_provider", "S4"], "S4"),
    "missing container": (["--source_config", '{"key": "/"}'], "container"),
    "container that is not there": (
        ["--source_config", '{"key": "/", "container": "no-such-folder"}'],
        "no-such-folder",
    ),
    "no logs": (["--source_config", '{"key": "/", "container": "usr", "prefix": "no-such"}'], "no logs"),
    "malformed JSON": (["--source_config", '{"key": '], "line 1, column"),
    "JSON that is no object": (["--source_config", "[]"], "not an object"),
    "variable that is not set": (["--source_config", '{"key": "${NO_SUCH}"}'], "NO_SUCH"),
    "file that is not there": (["--source_config", "@/no/such"], "/no/such"),
    "bad date": (["--since", "yesterday"], "'yesterday'"),
    "dates in the wrong order": (["--since", "2026-03-02", "--until", "2026-03-01"], "not before"),
    "event that nothing is made of": (["--event", "play_vidoe"], "play_vidoe"),
    "destination that is not there": (
        ["--destination_provider", "LOCAL", "--destination_config", '{"key": "/no-such-folder", "container": "x"}'],
        "no-such-folder",
    ),
    "no route": (["--destination_provider", "LRS"], "route"),
    "batch size": (["--batch_size", "0"], "--batch_size"),
    "sleep": (["--sleep_between_batches_secs", "-1"], "--sleep_between_batches_secs"),
    "sleep without end": (["--sleep_between_batches_secs", "inf"], "--sleep_between_batches_secs"),
    "grace": (["--grace_secs", "nan"], "--grace_secs"),
    "log_to": (["--log_to", "stdout:"], "--log_to"),
    "folder of the log": (["--log_to", "file:/no/such/folder/log"], "/no/such/folder"),
    "log_format without a place": (["--log_to", "settings", "--log_format", "raw"], "--log_format"),
    "max_rejected": (["--max_rejected", "many"], "'many'"),
    "max_line_bytes": (["--max_line_bytes", "podman"], "'podman'"),
    "rejects": (["--rejects", "/no/such/folder/x"], "/no/such/folder/x"),
    "summary": (["--summary", "/"], "--summary"),
}


@pytest.mark.usefixtures("sample_identities")
@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_usage_error_exits_with_2_and_one_line(arguments, said, source, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CommandError) as caught:
        call_command(*XAPI, *source, *LOGGER, *arguments)
    assert caught.value.returncode == 2
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert capfd.readouterr().out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_secret_in_malformed_json_is_not_printed(shell):
    done = shell(*XAPI, *LOGGER, "--source_provider", "S3", "--source_config", '{"secret": "hunter2", oops}')
    assert done.returncode == 2
    assert b"hunter2" not in done.stderr


def test_missing_options_exit_with_2(shell):
    assert shell(*XAPI).returncode == 2


def test_secrets_come_from_the_environment_or_a_file(shell, logs, tmp_path):
    config = tmp_path / "source.json"
    config.write_text('{"key": "${LOGS_KEY}", "container": "logs"}')
    shell.environment["LOGS_KEY"] = str(logs.parent)
    done = shell(*XAPI, *LOGGER, "--source-provider", "LOCAL", "--source-config", f"@{config}", "--log-to", "null")
    assert done.returncode == 0, done.stderr


def test_sending_options_reach_the_lrs_sink():
    given = ["--transformer_type", "xapi", "--source_provider", "STDIN", "--lrs_concurrency", "3", "--max_rate", "50.5"]
    settings, _ = read_settings(parsed(given).destination.config)
    assert (settings.concurrency, settings.max_rate) == (3, 50.5)


@pytest.mark.parametrize("wrong", [["--lrs_concurrency", "0"], ["--max_rate", "-1"], ["--max_rate", "nan"]])
def test_sending_options_out_of_range_are_usage_errors(wrong):
    with pytest.raises(ConfigurationError, match="out of range"):
        parsed(["--transformer_type", "xapi", "--source_provider", "STDIN", *wrong])


def test_command_has_both_names():
    commands = get_commands()
    assert {commands["transform_tracking_logs"], commands["replay_tracking_logs"]} == {"log_replay"}


def test_upstreams_options_have_the_same_defaults():
    upstream = load_command_class("event_routing_backends", "transform_tracking_logs").create_parser("", "x")
    ours = load_command_class("log_replay", "transform_tracking_logs").create_parser("", "x")
    spelled = {spelling: action for action in ours._actions for spelling in action.option_strings}
    for action in upstream._actions:
        for spelling in action.option_strings:
            assert spelling in spelled
            assert spelled[spelling].nargs == action.nargs
    given = ours.parse_args(["--transformer_type", "xapi", "--source_provider", "STDIN"])
    assert read_options(vars(given)).destination.provider == "LRS"
    assert spelled["--batch_size"].default == 10000
    assert spelled["--transformer_type"].choices == ["xapi", "caliper"]


def test_options_can_be_spelled_with_dashes_and_underscores():
    ours = load_command_class("log_replay", "transform_tracking_logs").create_parser("", "x")
    spelled = {spelling for action in ours._actions for spelling in action.option_strings}
    for spelling in spelled:
        assert (
            "--" + spelling.lstrip("-").replace("-", "_") in spelled
            or spelling in {"-h", "-v", "--force-color"}
            or (spelling.startswith(("--no-", "--skip-")))
        )


def wait_for(condition, seconds=30.0):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    assert condition()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_run_without_partial_files(shell, tmp_path, sample_log, number):
    out = tmp_path / "out"
    out.mkdir()
    place = json.dumps({"key": str(tmp_path), "container": "out"})
    rejects = tmp_path / "rejects"
    read, write = os.pipe()
    arguments = [*XAPI, "--source_provider", "STDIN", "--destination_provider", "LOCAL", "--destination_config", place]
    files = ["--summary", str(tmp_path / "summary"), "--rejects", str(rejects)]
    process = shell.start(*arguments, "--batch_size", "5", *files, stdin=read)
    os.close(read)
    os.write(write, sample_log[:60_000])
    wait_for(lambda: list(out.glob("xapi_*")))
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    os.close(write)
    assert process.returncode == 1, errors
    assert number.name.encode() in errors
    assert b"Traceback" not in errors
    assert all(path.name.startswith("xapi_") for path in out.iterdir())
    assert json.loads((tmp_path / "summary").read_text())["stopped"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_closed_stdout_ends_the_run_without_a_traceback(shell, source, workers):
    process = shell.start(*XAPI, *source, *LOGGER, "--log_format", "raw", "--workers", workers)
    process.stdout.close()
    with process.stderr:
        errors = process.stderr.read()
    assert process.wait(60) == 1
    assert b"the reader has closed it" in errors
    assert b"Traceback" not in errors


@pytest.mark.parametrize("workers", ["1", "2"])
def test_full_disk_stops_the_run_with_a_message(shell, source, workers):
    """Writing to /dev/full fails as writing to a full disk does."""
    done = shell(*XAPI, *source, *LOGGER, "--log_to", "file:/dev/full", "--log_format", "raw", "--workers", workers)
    assert done.returncode in {1, 2}
    assert b"Traceback" not in done.stderr
    assert b"/dev/full" in done.stderr


def generated(path: Path, *arguments: str) -> None:
    script = TESTS / "generate_log.py"
    with path.open("wb") as log:
        subprocess.run([sys.executable, str(script), *arguments], stdout=log, check=True)


def peak_rss_mb(shell, *arguments: str) -> tuple[float, dict]:
    """Run, and return the peak memory and the summary."""
    summary = Path(shell.environment["LOG_REPLAY_HOME"]) / "summary.json"
    measure = """if 1:
        import resource, subprocess, sys
        code = subprocess.run(sys.argv[1:]).returncode
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        sys.exit(code)
    """
    command = [sys.executable, "-c", measure, *shell.command, *arguments, "--summary", str(summary)]
    done = subprocess.run(command, env=shell.environment, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1]) / 1024, json.loads(summary.read_text())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bytes", "1GB", "--known", "0.002", "--users", "50"],
        ["--lines", "20", "--known", "0.5", "--long-line", "200MB"],
    ],
    ids=["1 GB", "a line of 200 MB"],
)
def test_memory_is_bounded_for_any_log(shell, tmp_path, arguments):
    logs = tmp_path / "logs"
    logs.mkdir()
    generated(logs / "tracking.log", *arguments)
    config = json.dumps({"key": str(tmp_path), "container": "logs"})
    where = ["--source_provider", "LOCAL", "--source_config", config, *LOGGER, "--log_to", "null"]
    peak, summary = peak_rss_mb(shell, *XAPI, *where)
    (logs / "tracking.log").unlink()
    assert peak < 200
    assert summary["total"]["lines"] > 20
    assert ("line_too_long" in summary["rejects_by_reason"]) == ("--long-line" in arguments)
