"""The command ends with 0, 2 or 3, and prints what the page shows."""

from __future__ import annotations

import json
import os
import pty
import subprocess

import pytest

from tests.support.paths import SAMPLE

LOG = str(SAMPLE / "tracking.log")
#: Offsets of the sample log: an event that gives a statement, and a line that is no event.
STATEMENT, NO_JSON = 0, 3391


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([f"{LOG}:{STATEMENT}"], 0, ""),
        ([f"{LOG}:{NO_JSON}"], 3, "a line gives no statement"),
        ([f"{LOG}:{STATEMENT}", f"{LOG}:{NO_JSON}"], 3, "a line gives no statement"),
        ([f"{LOG}:{STATEMENT + 1}"], 2, f"it is in the line at {LOG}:0"),
        ([f"{LOG}:999999999"], 2, "the object ends at"),
        ([LOG], 2, "is not OBJECT:OFFSET"),
        ([], 2, "say which lines to explain"),
        (["/nosuch/tracking.log:0"], 2, "No such file"),
        (["-", f"{LOG}:0"], 2, "say which lines to explain"),
        (["--from_rejects", LOG], 2, "is not an entry of --rejects"),
        (["--from_rejects", LOG, f"{LOG}:0"], 2, "say which lines to explain"),
    ],
)
def test_exit_code_tells_whether_statements_come_out(shell, arguments, code, says):
    done = shell("explain_tracking_log", *arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stderr.decode()
    assert (code == 2) == (done.stdout == b"")


def test_lines_on_standard_input_are_explained(shell, sample_log):
    lines = sample_log.splitlines(keepends=True)
    done = shell("explain", "-", stdin=lines[0] + b"not an event\n")
    assert done.returncode == 3
    shown = done.stdout.decode()
    assert "1 statement comes out. Nothing was stored or sent." in shown
    assert "No statement comes out: the line ends at the step line (no_json)." in shown


@pytest.mark.parametrize("by_path", [True, False])
def test_a_rejects_file_is_explained_whole(shell, source, logs, tmp_path, by_path):
    rejects = tmp_path / "rejects.jsonl"
    read = [str(logs)] if by_path else source
    wanted = ("--transformer_type", "xapi", *read, "--dry_run", "--log_to", "null", "--rejects", str(rejects))
    assert shell("replay_tracking_logs", *wanted).returncode == 0
    entries = [json.loads(line) for line in rejects.read_bytes().splitlines()]
    with rejects.open("a") as file:
        file.write(json.dumps({"object": entries[0]["object"], "offset": 1}) + "\n")
    done = shell("explain_tracking_log", *([] if by_path else source), "--from_rejects", str(rejects))
    assert done.returncode == 3
    shown = done.stdout.decode()
    assert [entry for entry in entries if f"tracking.log:{entry['offset']}\n" not in shown] == []
    assert shown.count("ENDS HERE") == len(entries) + 1
    assert "(no_such_line)" in shown


def test_a_closed_reader_is_no_error(shell):
    with shell.start("explain_tracking_log", f"{LOG}:0", stdout=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdout = None
        _, said = process.communicate()
    assert process.returncode == 0, said
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    ("variables", "coloured"), [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)]
)
def test_colours_are_for_terminals_that_want_them(shell, variables, coloured):
    environment = {name: value for name, value in shell.environment.items() if name != "NO_COLOR"}
    reader, terminal = pty.openpty()
    command = [*shell.command, "explain", f"{LOG}:{NO_JSON}"]
    done = subprocess.run(command, env=environment | variables, stdout=terminal, stderr=subprocess.PIPE, check=False)
    os.close(terminal)
    shown = os.read(reader, 100_000)
    os.close(reader)
    assert done.returncode == 3
    assert b"ENDS HERE" in shown
    assert (b"\x1b[" in shown) == coloured
