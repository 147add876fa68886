"""The arguments of a command: complete them from the site's defaults, and read ``@FILE`` on the host."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Options whose value can be ``@FILE``.
CONFIGS = ("source_config", "destination_config", "missing_from")


def is_given(arguments: Sequence[str], option: str) -> bool:
    """Return True if the arguments contain an option, in any spelling that argparse accepts."""
    return any(_names(argument, option) for argument in arguments)


def value_of(arguments: Sequence[str], option: str) -> str | None:
    """Return the last value of an option, or None."""
    value = None
    for number, argument in enumerate(arguments):
        if _names(argument, option):
            _, separator, text = argument.partition("=")
            value = text if separator else next(iter(arguments[number + 1 : number + 2]), None)
    return value


def without(arguments: Sequence[str], option: str) -> list[str]:
    """Return the arguments without an option and its value."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif _names(argument, option):
            skip = "=" not in argument
        else:
            kept.append(argument)
    return kept


def has_positional(arguments: Sequence[str], flags: Sequence[str], lists: Sequence[str]) -> bool:
    """Return True if an argument is neither an option nor an option's value.

    Args:
        arguments: the arguments.
        flags: the options without a value.
        lists: the options with any number of values.
    """
    values = 0.0
    for argument in arguments:
        if argument.startswith("-") and argument != "-":
            flag = any(_names(argument, option) for option in flags)
            several = any(_names(argument, option) for option in lists)
            values = 0 if flag or "=" in argument else math.inf if several else 1
        elif values:
            values -= 1
        else:
            return True
    return False


def completed(arguments: Sequence[str], defaults: Mapping[str, str]) -> list[str]:
    """Return the arguments with the options that are missing. They come first, since an option may take a list."""
    missing = {name: value for name, value in defaults.items() if not is_given(arguments, name)}
    return [*(f"--{name}={value}" for name, value in missing.items()), *arguments]


def with_files_read(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the content of each ``@FILE``: the container cannot see the host's files.

    Raises:
        click.ClickException: a file cannot be read.
    """
    read: list[str] = []
    for number, argument in enumerate(arguments):
        name, separator, value = argument.partition("=")
        if separator and value.startswith("@") and _is_config(name):
            read.append(f"{name}={_content(value[1:])}")
        elif argument.startswith("@") and number and _is_config(arguments[number - 1]):
            read.append(_content(argument[1:]))
        else:
            read.append(argument)
    return read


def _is_config(name: str) -> bool:
    return any(_names(name, option) for option in CONFIGS)


def _names(argument: str, option: str) -> bool:
    """Return True if an argument is an option's name, or the beginning of it, which argparse accepts as well."""
    if not argument.startswith("--") or argument == "--":
        return False
    name = argument[2:].partition("=")[0].replace("-", "_")
    return bool(name) and option.startswith(name)


def _content(path: str) -> str:
    try:
        return Path(path).expanduser().read_bytes().decode().strip(" \t\r\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise click.ClickException(f"cannot read @{path}: {reason}") from error
