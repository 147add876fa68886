"""``log-replay``: its usage, its versions, its help, and unknown commands."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.management import load_command_class

from log_replay import __version__
from log_replay.management import verbs
from log_replay.management.main import main, usage

COMMANDS = verbs.commands()
VERBS = [*verbs.verbs()]

HELP_IMPORTS = """if 1:
    import sys
    from log_replay.management.main import main
    sys.argv = ["log-replay", sys.argv[1], "--help"]
    try:
        main()
    finally:
        assert {"event_routing_backends", "pygments", "rich.traceback"}.isdisjoint(sys.modules)
"""


@pytest.fixture
def log_replay(monkeypatch, capsys):
    """Return the exit code, stdout and stderr of ``log-replay``."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["log-replay", *arguments])
        code = 0
        try:
            main()
        except SystemExit as exited:
            code = exited.code
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_usage_names_every_command(log_replay, arguments):
    assert log_replay(*arguments) == (0, usage(), "")
    assert [name for name in COMMANDS if f" {name}" not in usage()] == []
    positions = [usage().index(f"\n  {verb} ") for verb in VERBS]
    assert positions == sorted(positions)
    assert positions[-1] < usage().index("transform_tracking_logs")


def test_every_verb_runs_a_command_of_ours():
    assert {verb.command for verb in verbs.verbs().values()} <= {*COMMANDS}
    assert {*verbs.ALIASES.values()} <= {*VERBS}
    assert verbs.command_of("directory") == "load_identities"
    assert verbs.command_of("migrate") == "migrate"


@pytest.mark.parametrize(("typed", "verb"), [("replay", "replay"), ("directory", "load"), ("replay_runs", None)])
def test_a_command_knows_the_verb_it_was_called_as(typed, verb):
    command = load_command_class("log_replay", verbs.command_of(typed))
    command.create_parser("log-replay", typed)
    assert command.verb == verb


@pytest.mark.parametrize("arguments", [["--version"], ["version"], ["transform_tracking_logs", "--version"]])
def test_version_is_our_own(log_replay, arguments):
    assert log_replay(*arguments) == (0, f"log-replay {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--version", "-v", "2"], ["-v2", "--version"]])
def test_detailed_version_names_the_packages(log_replay, arguments):
    code, printed, _ = log_replay(*arguments)
    assert code == 0
    lines = [line.split() for line in printed.splitlines()]
    packages = ["log-replay", "Python", "edx-event-routing-backends", "Django", "apache-libcloud", "C"]
    assert [line[0] for line in lines] == packages
    assert all(line[1][0].isdigit() for line in lines[:-1])
    assert lines[-1][1:3] in (["extension", "built"], ["extension", "not"])


@pytest.mark.parametrize(
    ("typed", "hint"), [("transfrom_tracking_logs", "; did you mean transform_tracking_logs?"), ("zzz", "")]
)
def test_unknown_command_exits_with_2_and_names_the_nearest(log_replay, typed, hint):
    assert log_replay(typed) == (
        2,
        "",
        f"log-replay: there is no command {typed}{hint} (log-replay --help lists them)\n",
    )


def test_unknown_command_is_shown_without_control_characters(log_replay):
    code, _, said = log_replay("\x1b[31mred\nline")
    assert code == 2
    assert "\x1b" not in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", [*COMMANDS, *VERBS, *verbs.ALIASES])
def test_help_does_not_import_what_takes_long(command):
    done = subprocess.run([sys.executable, "-c", HELP_IMPORTS, command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: log-replay {command} ")


def test_an_error_begins_with_the_command_as_it_was_typed(log_replay):
    hint = "name a file, a folder, a URL, or - for standard input; or give --source_provider"
    assert log_replay("replay") == (2, "", f"log-replay replay: there is no source ({hint})\n")
