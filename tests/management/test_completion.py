"""``log-replay completion``: words that can follow, asked for as bash asks, in a real bash."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from log_replay.management.verbs import verbs

PROGRAM = "from log_replay.management.main import main; main()"


@pytest.fixture
def program(tmp_path):
    """The environment of a shell with ``log-replay`` on its PATH, and a folder with a log."""
    path = tmp_path / "bin" / "log-replay"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c '{PROGRAM}' \"$@\"\n")
    path.chmod(0o755)
    (tmp_path / "logs").mkdir()
    (tmp_path / "tracking.log").touch()
    return {**os.environ, "PATH": f"{path.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}


@pytest.fixture
def completed(program, tmp_path):
    """Return a function that completes a line in bash, and returns the words it offers."""

    def run(line: str) -> set[str]:
        script = f"""
            eval "$(log-replay completion bash)"
            COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_TYPE=9
            COMP_WORDS=($COMP_LINE) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            complete -p log-replay >/dev/null || exit 1
            _python_argcomplete log-replay
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(
            ["bash", "-c", script], env=program, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return {word.strip() for word in done.stdout.splitlines() if word.strip()}

    return run


def test_bash_completes_verbs_options_values_and_files(completed):
    assert completed("log-replay ") == {*verbs(), "completion"}
    assert completed("log-replay rep") == {"replay"}
    assert completed("log-replay completion ") == {"bash", "zsh", "fish"}
    assert completed("log-replay replay --since 2026-01-01 --log_") == {
        "--log_format",
        "--log_to",
        "--log_timeout_secs",
    }
    assert completed("log-replay replay tracking.log --log_format ") >= {"aspects", "json", "raw", "pretty"}
    assert completed("log-replay replay trac") == {"tracking.log"}
    assert completed("log-replay replay tracking.log --to ") >= {"stdout", "clickhouse", "lrs", "logs/"}
    assert completed("log-replay runs re") >= {"resume"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_of_each_shell_is_printed(program, shell):
    done = subprocess.run(["log-replay", "completion", shell], env=program, capture_output=True, text=True, check=True)
    assert "log-replay" in done.stdout
    assert done.stderr == ""
    if interpreter := shutil.which(shell):
        subprocess.run([interpreter, "-n"], input=done.stdout, text=True, check=True)


@pytest.mark.parametrize("arguments", [[], ["tcsh"], ["bash", "zsh"]])
def test_another_shell_is_wrong_usage(program, arguments):
    done = subprocess.run(
        ["log-replay", "completion", *arguments], env=program, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "bash, zsh, fish" in done.stderr
