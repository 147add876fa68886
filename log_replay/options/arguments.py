"""The table of options as arguments of argparse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.options.table import OPTIONS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from log_replay.options.option import Option


#: The type of statements of a short verb, for which --transformer_type is optional.
DEFAULT_TYPE = "xapi"


def add_arguments(
    parser: argparse.ArgumentParser, options: Mapping[str, Option] = OPTIONS, *, short: bool = False
) -> None:
    """Add options in their groups, spelled with underscores (as upstream spells them) and with dashes.

    To give a command SOURCEs and ``--to`` as ``replay`` has them, include the rows ``sources``, ``base``,
    ``source_provider`` and ``source_config``, and for a destination ``to``, ``destination_provider`` and
    ``destination_config``; then pass what argparse returns to ``read_options``, which translates them::

        def add_arguments(self, parser):
            add_arguments(parser, {name: OPTIONS[name] for name in MY_OPTIONS}, short=self.verb is not None)

        def handle(self, **given):
            options = read_options(given, short=self.verb is not None)
            options.source, options.destination    # providers and configurations, whatever was typed

    Missing rows have their defaults, so ``given`` may have a part of the options. A command that stores nothing adds
    ``destination_provider="LOGGER", dry_run=True, log_to="null"`` to ``given`` (see ``gaps.gap_options``).

    Args:
        parser: the parser of a command.
        options: rows of a table of options, by name; the default is the options of a replay.
        short: the command was called by its short verb: ``--transformer_type`` is optional.
    """
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, row in options.items():
        if row.group not in groups:
            groups[row.group] = parser.add_argument_group(row.group)
        argument = row.argument
        if row is OPTIONS["transformer_type"] and short:
            argument |= {"required": False, "default": DEFAULT_TYPE}
        if row is OPTIONS["destination_provider"]:
            argument["default"] = None  # read_options must know whether it was given
        names = (name, name.replace("_", "-"), *filter(None, [row.also]))
        spellings = dict.fromkeys(f"--{spelled}" for spelled in names)
        groups[row.group].add_argument(*([name] if row.positional else spellings), **argument)


def command_words(given: Mapping[str, Any]) -> list[str]:
    """Return the words of a command line that gives options of a replay, by name. ``True`` stands for a flag."""
    words: list[str] = []
    for name, value in given.items():
        if OPTIONS[name].positional:
            words += value
            continue
        words.append(f"--{name}")
        if isinstance(value, list | tuple):
            words += map(str, value)
        elif value is not True:
            words.append(str(value))
    return words
