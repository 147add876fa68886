"""The table of options as arguments of argparse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.options.table import OPTIONS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from log_replay.options.option import Option


def add_arguments(parser: argparse.ArgumentParser, options: Mapping[str, Option] = OPTIONS) -> None:
    """Add options in their groups, spelled with underscores (as upstream spells them) and with dashes.

    Args:
        parser: the parser of a command.
        options: rows of a table of options, by name; the default is the options of a replay.
    """
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, row in options.items():
        if row.group not in groups:
            groups[row.group] = parser.add_argument_group(row.group)
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        groups[row.group].add_argument(*spellings, **row.argument)
