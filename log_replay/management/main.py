"""The console script ``log-replay``: short verbs and management commands, without an LMS."""

from __future__ import annotations

import os
import sys
import textwrap
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from django.core.management import ManagementUtility, get_commands, load_command_class

from log_replay.errors import ConfigurationError, LogReplayError
from log_replay.management.exit_codes import INCOMPLETE, WRONG_USAGE
from log_replay.management.stdout import write_stdout
from log_replay.management.verbs import ALIASES, command_of, commands, verbs
from log_replay.spelling import did_you_mean
from log_replay.standalone.start_up import start_faster
from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from django.core.management.base import BaseCommand

# Workers import this module as well, before most other modules.
start_faster()

_USAGE = """\
Usage: log-replay VERB [ARGUMENT ...]

Verbs:
{verbs}

log-replay VERB --help shows the options of a verb with examples.
log-replay completion bash|zsh|fish prints a script that completes verbs,
options and files with Tab.
log-replay --version shows the version; with -v 2, also those of packages.

The names of the management commands work as well:
{commands}
So do Django's own commands.
"""


def usage() -> str:
    """Return the text of ``log-replay --help``: the verbs first, then the long names."""
    from log_replay.management.command import help_columns  # noqa: PLC0415 - workers import this module as well

    columns = help_columns()
    shown = "\n".join(
        textwrap.fill(verb.summary, columns, initial_indent=f"  {name:<9} ", subsequent_indent=" " * 12)
        for name, verb in verbs().items()
    )
    names = textwrap.fill(", ".join(commands()), columns, initial_indent="  ", subsequent_indent="  ")
    return _USAGE.format(verbs=shown, commands=names)


def main() -> None:
    """Run a command on ``log_replay.standalone.settings``, or on DJANGO_SETTINGS_MODULE if that is set."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "log_replay.standalone.settings")
    arguments = sys.argv[1:]
    if "_ARGCOMPLETE" in os.environ:
        _complete()
    if not arguments or arguments in (["-h"], ["--help"], ["help"]):
        _print(usage())
    elif arguments[0] == "completion":
        _print_completion(arguments[1:])
    elif _asks_for_version(arguments):
        from log_replay.management.versions import versions  # noqa: PLC0415 - other commands do not need it

        detailed = any(argument in {"2", "3", "-v2", "-v3", "--verbosity=2"} for argument in arguments)
        _print(f"{versions(detailed=detailed)}\n")
    elif _asks_for_help(arguments):
        # Help needs no settings and no apps: without event-routing-backends and Celery it takes a third of the time.
        load_command_class("log_replay", command_of(arguments[0])).run_from_argv(["log-replay", *arguments])
    else:
        _check_environment()
        _Utility(["log-replay", *arguments]).execute()


def _complete() -> NoReturn:
    """Answer a shell that asks how a command line can go on."""
    from log_replay.management.completion import complete  # noqa: PLC0415 - commands do not need it

    complete()


def _print_completion(arguments: list[str]) -> None:
    from log_replay.management.completion import script  # noqa: PLC0415 - as above

    try:
        _print(script(arguments))
    except ConfigurationError as error:
        _end(str(error), WRONG_USAGE)


def _print(text: str) -> None:
    """Write to stdout, or end with one line on stderr."""
    try:
        write_stdout(text.encode())
    except ConfigurationError as error:
        _end(str(error), WRONG_USAGE)
    except LogReplayError as error:
        _end(str(error), INCOMPLETE)


def _check_environment() -> None:
    """End with exit code 2 if an environment variable is wrong."""
    from log_replay.standalone.checks import check_environment  # noqa: PLC0415 - --help must not fail

    try:
        check_environment()
    except ConfigurationError as error:
        _end(str(error), WRONG_USAGE)
    try:
        import_module(os.environ["DJANGO_SETTINGS_MODULE"])
    except ModuleNotFoundError as error:  # Django hides this error, and then finds none of our commands
        _end(f"DJANGO_SETTINGS_MODULE: there is no module {error.name} (unset it to use our own settings)", WRONG_USAGE)


def _end(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"log-replay: {escape_controls(message)}\n")
    sys.exit(code)


class _Utility(ManagementUtility):
    """Django's, with our verbs, and exit code 2 for an unknown command."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        known = get_commands()
        command = command_of(subcommand)
        if command not in known:
            hint = did_you_mean(subcommand, [*verbs(), *ALIASES, *known])
            error = "; ".join(filter(None, (f"there is no command {subcommand}", hint)))
            _end(f"{error} (log-replay --help lists them)", WRONG_USAGE)
        return super().fetch_command(command)


def _asks_for_version(arguments: list[str]) -> bool:
    return arguments == ["version"] or (arguments[0].startswith("-") and "--version" in arguments)


def _asks_for_help(arguments: list[str]) -> bool:
    return command_of(arguments[0]) in commands() and not {"-h", "--help"}.isdisjoint(arguments[1:])
