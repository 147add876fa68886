"""The README tells the truth: its commands are run, their outputs compared, every option is in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from log_replay.options import OPTIONS
from tests.support.paths import SAMPLE
from tests.support.runs import parsed, shell

__all__ = ["shell"]

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(console|sh)\n(.*?)```", TEXT, re.DOTALL)


STAND_IN_FOR_VECTOR = """#!/bin/sh
for config; do case $config in *.yaml) test -r "$config" || exit 78;; esac; done
exec cat
"""


def transcripts() -> list[tuple[str, str]]:
    """Return the README's commands and what they print, ``...`` standing for anything."""
    found = []
    for kind, block in BLOCKS:
        if kind == "console":
            found += [tuple(part.split("\n", 1)) for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory, shell):
    """A folder with the sample log in it, and ``log-replay`` on the path."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "logs").mkdir()
    (folder / "logs" / "tracking.log").write_bytes((SAMPLE / "tracking.log").read_bytes())
    program = folder / "bin" / "log-replay"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shell.command[0]} -c "{shell.command[2]}" "$@"\n')
    program.chmod(0o755)
    (folder / "vector").symlink_to(README.parent / "vector")
    if not shutil.which("vector"):
        # Vector cannot be installed from a package registry; what the pipe brings to it is all that is shown here.
        (folder / "bin" / "vector").write_text(STAND_IN_FOR_VECTOR)
        (folder / "bin" / "vector").chmod(0o755)
    return folder


def looks_like(expected: str, actual: str) -> bool:
    """Whether lines of the actual output stand in the expected order, and nothing else where there is no ``...``."""
    pattern = r"\s*".join(
        "(?:.*?\n)??" if line.strip() == "..." else re.escape(line.rstrip()).replace(r"\.\.\.", ".*?") + r"[^\n]*\n"
        for line in expected.splitlines()
    )
    return re.fullmatch(pattern.replace("(?:.*?\n)??", "(?:.*?\n)?") + r"\s*", actual, re.DOTALL) is not None


def test_there_are_commands_to_run():
    assert len(transcripts()) >= 5


def test_the_readme_s_commands_print_what_it_shows(folder, shell):
    """In order, as a reader would type them: stdout, then stderr."""
    environment = {**shell.environment, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    for command, expected in transcripts():
        if command.startswith("make"):
            continue
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
        assert looks_like(expected, done.stdout + done.stderr), (command, done.stdout[-3000:] + done.stderr)


def test_make_run_prints_what_the_readme_shows(tmp_path):
    ((command, expected),) = [found for found in transcripts() if found[0].startswith("make")]
    venv = os.environ.get("VIRTUAL_ENV") or str(Path(os.sys.executable).parent.parent)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        [*command.split(), f"OUT={tmp_path}", f"VENV={venv}"],
        cwd=README.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert looks_like(expected, done.stdout + done.stderr), done.stdout[-2000:] + done.stderr
    assert len(done.stdout.splitlines()) == 252


@pytest.mark.usefixtures("db")
def test_the_other_commands_have_options_that_exist(monkeypatch):
    for name in re.findall(r"\$\{(\w+)\}", TEXT):
        monkeypatch.setenv(name, "x")
    commands = [block for kind, block in BLOCKS if kind == "sh" and "--source_provider" in block]
    assert commands
    for block in commands:
        script = f'vector() {{ cat; }}\nlog-replay() {{ shift; printf "%s\\0" "$@"; }}\n{block}'
        typed = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
        assert parsed(typed.split("\0")[:-1]).source.config


def test_every_file_that_the_readme_names_is_there():
    for name in re.findall(r"(?:vector|tests|log_replay)/[\w./-]+\.(?:yaml|md|py)", TEXT):
        assert (README.parent / name).is_file(), name


def test_every_option_is_in_the_readme():
    table = TEXT[TEXT.index("## Options") : TEXT.index("## Develop")]
    missing = [name for name in OPTIONS if f"`--{name}`" not in table]
    assert missing == []


def test_every_option_of_the_readme_exists():
    ours = [name for name, app in get_commands().items() if app == "log_replay"]
    parsers = [load_command_class("log_replay", name).create_parser("", "x") for name in ours]
    spelled = {spelling for parser in parsers for action in parser._actions for spelling in action.option_strings}
    for spelling in re.findall(r"`(--\w+)", TEXT):
        assert spelling in spelled
