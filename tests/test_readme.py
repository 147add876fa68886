"""The pages tell the truth: their commands print what they show, and the options and files that they name exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from log_replay.ledger.run_configuration import stored_command
from log_replay.management.verbs import command_of
from log_replay.options import read_options
from tests.support.paths import SAMPLE
from tests.support.runs import shell

__all__ = ["shell"]

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *(ROOT / "log_replay").glob("README.md"), *(ROOT / "log_replay/docs").glob("*.md"),
                 *(ROOT / ".github").glob("*.md"), *(ROOT / "vector").glob("*.md")]
}  # fmt: skip
README = PAGES["README.md"]
MAKE_RUN = "make run"


def sections() -> dict[str, str]:
    """Return the sections of all pages that show what commands print, by page and title."""
    found = {}
    for name, text in PAGES.items():
        for section in re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]:
            if transcript(section):
                found[f"{name}: {section.splitlines()[0][3:]}"] = section
    return found


def transcript(text: str) -> list[tuple[str, str]]:
    """Return the commands of a text and what they print; ``...`` stands for anything."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [
        (found[1], found[2])
        for block in blocks
        for found in re.finditer(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
        if found[1] != MAKE_RUN
    ]


def settings() -> list[str]:
    """Return the commands that only set variables for the commands after them."""
    return [command for command, printed in transcript(README) if not printed and "=" in command.split('"')[0]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, shell):
    """A folder with what the commands use of the repository, after ``make run``."""
    folder = tmp_path_factory.mktemp("pages")
    program = folder / ".venv/bin/log-replay"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shell.command[0]} -c "{shell.command[2]}" "$@"\n')
    program.chmod(0o755)
    (folder / "log_replay/standalone").mkdir(parents=True)
    (folder / "log_replay/standalone/sample").symlink_to(SAMPLE)
    shutil.copytree(shell.environment["LOG_REPLAY_HOME"], folder / "out/home")
    shutil.copy(SAMPLE / "tracking.log", folder / "out")
    variables = {**shell.environment, "LOG_REPLAY_HOME": str(folder / "out/home")}
    run = ["replay", "tracking.log", "--base", "out", "--to", "out/statements"]
    subprocess.run([program, *run], cwd=folder, env=variables, check=True, capture_output=True)
    return folder


@pytest.fixture
def own_folder(folder, tmp_path):
    """A copy for one section: what its commands print does not depend on other sections."""
    return shutil.copytree(folder, tmp_path / "pages", symlinks=True)


def looks_like(expected: str, actual: str) -> bool:
    """Return whether the expected lines are in the actual output in order, with nothing else without a ``...``."""
    pattern = r"\s*".join(
        "(?:.*?\n)?" if line.strip() == "..." else re.escape(line.rstrip()).replace(r"\.\.\.", ".*?") + r"[^\n]*\n"
        for line in expected.splitlines()
    )
    return re.fullmatch(pattern + r"\s*", actual, re.DOTALL) is not None


@pytest.mark.parametrize("section", sections())
def test_commands_print_what_the_page_shows(own_folder, section):
    """Run the commands of a section in one shell, as a reader types them: stdout, then stderr."""
    shown = transcript(sections()[section])
    script = "\n".join(
        [
            *settings(),
            *(f"{{ {command}\n}} >{n}.out 2>{n}.err; echo $? >{n}.code" for n, (command, _) in enumerate(shown)),
        ]
    )
    subprocess.run(["bash", "-c", script], cwd=own_folder, check=True, stdin=subprocess.DEVNULL)
    for n, (command, expected) in enumerate(shown):
        out, err, code = ((own_folder / f"{n}.{kind}").read_text() for kind in ("out", "err", "code"))
        assert code == "0\n", (command, err)
        assert looks_like(expected, out + err), (command, out[-3000:] + err)


def test_pages_show_commands():
    assert len(sections()) >= 5
    assert len(settings()) == 1


def test_make_run_prints_what_the_readme_shows(tmp_path):
    expected = re.findall(rf"\$ {MAKE_RUN}\n(.*?)```", README, re.DOTALL)[0]
    venv = os.environ.get("VIRTUAL_ENV") or str(Path(os.sys.executable).parent.parent)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        [*MAKE_RUN.split(), f"OUT={tmp_path}", f"VENV={venv}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert looks_like(expected, done.stdout + done.stderr), done.stdout[-2000:] + done.stderr
    assert len(done.stdout.splitlines()) == 252


@pytest.mark.usefixtures("db")
def test_commands_that_are_not_run_can_be_read_and_resumed(monkeypatch, tmp_path):
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if " --to " in block]
    for name in re.findall(r"([A-Z_]+)=\.\.\.", "".join(blocks)):
        monkeypatch.setenv(name, "x")
    (tmp_path / "archive").mkdir()
    stubs = 'log-replay() { { printf "%s\\0" "$@"; printf "\\n\\0"; } >>commands; }\nkubectl() { :; }\n'
    subprocess.run(["bash", "-c", stubs + "".join(blocks)], cwd=tmp_path, capture_output=True, check=True)
    typed = (tmp_path / "commands").read_text().removesuffix("\n\0").split("\n\0")
    commands = [line.split("\0")[:-1] for line in typed if line.startswith("replay\0")]
    assert len(commands) == 4
    for verb, *arguments in commands:
        parser = load_command_class("log_replay", command_of(verb)).create_parser("log-replay", verb)
        options = read_options(vars(parser.parse_args(arguments)), short=True)
        assert options.source.provider == "PATHS"
        # The run can be resumed by its name, since every secret comes from the environment.
        assert "withheld" not in stored_command(options.given)


def test_readme_is_short():
    assert len(README.splitlines()) <= 130


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page):
    text = PAGES[page]
    named = [ROOT / name for name in re.findall(r"(?:vector|tests|log_replay)/[\w./-]+\.(?:yaml|md|py)", text)]
    linked = re.findall(r"\]\((?!http|#)([^)#]+)", text)
    assert [path for path in named if not path.is_file() and "](" not in text] == []
    assert [link for link in linked if not (ROOT / page).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("vector")])
def test_options_that_a_page_names_exist(page):
    ours = [name for name, app in get_commands().items() if app == "log_replay"]
    parsers = [load_command_class("log_replay", name).create_parser("", "x") for name in ours]
    spelled = {spelling for parser in parsers for action in parser._actions for spelling in action.option_strings}
    named = re.findall(r"`(--\w[\w-]*)", PAGES[page])
    assert [name for name in named if name not in spelled] == []
