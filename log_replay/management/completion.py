"""Completion of command lines in bash, zsh and fish, by argcomplete.

``log-replay completion SHELL`` prints a script for a shell. At each Tab, this script runs ``log-replay`` with the
command line in environment variables, and ``complete`` answers with the words that can follow.
"""

from __future__ import annotations

import argparse
import os
from typing import NoReturn

from django.core.management import load_command_class
from django.core.management.base import CommandParser

from log_replay.errors import ConfigurationError
from log_replay.management.verbs import command_of, commands, verbs
from log_replay.options.places import KEYWORDS

SHELLS = ("bash", "zsh", "fish")
#: The variable with the position of the first word of the command: 1, or 2 behind a verb.
_POSITION = "_ARGCOMPLETE"


def script(arguments: list[str]) -> str:
    """Return the script for a shell.

    Args:
        arguments: what follows ``log-replay completion``.

    Raises:
        ConfigurationError: the shell is not one of those known.
    """
    from argcomplete.shell_integration import shellcode  # noqa: PLC0415 - other commands do not need it

    if len(arguments) != 1 or arguments[0] not in SHELLS:
        raise ConfigurationError(
            f"completion is for one of {', '.join(SHELLS)}",
            hint='for example: eval "$(log-replay completion bash)", in ~/.bashrc',
        )
    return shellcode(["log-replay"], use_defaults=True, shell=arguments[0]) + "\n"


def complete() -> NoReturn:
    """Write the words that can follow, and exit."""
    import argcomplete  # noqa: PLC0415 - as above
    from argcomplete.lexers import split_line  # noqa: PLC0415 - as above

    line, point = os.environ["COMP_LINE"], int(os.environ["COMP_POINT"])
    words = split_line(line, point)[3][1:]
    if words and command_of(words[0]) in commands():
        parser: argparse.ArgumentParser = load_command_class("log_replay", command_of(words[0])).create_parser(
            "log-replay", words[0]
        )
        # argcomplete needs an ordinary parser, which reads the arguments in one pass.
        parser.__class__ = CommandParser
        os.environ[_POSITION] = str(int(os.environ[_POSITION]) + 1)
    else:
        parser = argparse.ArgumentParser(add_help=False)
        parser.add_argument("verb", choices=[*verbs(), "completion"] if not words else SHELLS)
        os.environ[_POSITION] = str(int(os.environ[_POSITION]) + len(words))
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of its arguments
        if action.dest == "to":
            action.completer = _destinations  # type: ignore[attr-defined]  # as argcomplete documents it
    argcomplete.autocomplete(parser, always_complete_options="long", exclude=_twins(parser))
    raise SystemExit(0)


def _destinations(prefix: str, **_: object) -> list[str]:
    from argcomplete.completers import DirectoriesCompleter  # noqa: PLC0415 - as above

    return [*KEYWORDS, *DirectoriesCompleter()(prefix)]


def _twins(parser: argparse.ArgumentParser) -> set[str]:
    """Return the spellings with dashes of options that are also spelled with underscores."""
    spelled = {name for action in parser._actions for name in action.option_strings}  # noqa: SLF001 - as above
    return {f"--{name[2:].replace('_', '-')}" for name in spelled if "_" in name}
