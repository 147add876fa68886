"""The options of commands as text files in the Tutor plugin, which imports nothing of ours."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.management import find_commands, load_command_class

from log_replay import management

if TYPE_CHECKING:
    from argparse import Action
    from collections.abc import Iterator

HELP = Path(__file__).parents[1] / "tutor" / "tutorlogreplay" / "help"
#: The commands that ``tutor ... do`` has as well.
COMMANDS = (
    "dump_data_to_clickhouse",
    "inspect_tracking_logs",
    "replay_gaps",
    "replay_runs",
    "replay_tracking_logs",
    "transform_tracking_logs",
)
_WIDTH, _INDENT = 100, 28


def tutor_help() -> dict[Path, str]:
    """Return the text of each file: the help of each command, and the options that take no value or several."""
    existing = find_commands(management.__path__[0])
    names = [name for name in COMMANDS if name in existing]
    texts = {HELP / f"{name.replace('_', '-')}.txt": "\n".join(_lines(name)) + "\n" for name in names}
    arity = json.dumps({name.replace("_", "-"): _arity(name) for name in names}, indent=1, sort_keys=True)
    return {**texts, HELP / "options.json": arity + "\n"}


def _arity(command: str) -> dict[str, list[str]]:
    """Return the names of the options that take no value (``flags``), and of those that take any number (``lists``)."""
    parser = load_command_class("log_replay", command).create_parser("log-replay", command)
    options = [action for action in parser._actions if action.option_strings]  # noqa: SLF001 - as below
    return {
        "flags": sorted(action.dest for action in options if action.nargs == 0),
        "lists": sorted(action.dest for action in options if action.nargs in {"+", "*"}),
    }


def _lines(command: str) -> Iterator[str]:
    parser = load_command_class("log_replay", command).create_parser("log-replay", command)
    # The last group has Django's own options.
    for group in parser._action_groups[:-1]:  # noqa: SLF001 - argparse has no public way to list options
        actions = [action for action in group._group_actions if action.help != "==SUPPRESS=="]  # noqa: SLF001 - as above
        if actions:
            yield f"{(group.title or '').capitalize()}:"
            for action in actions:
                yield from _option(action)
            yield ""


def _option(action: Action) -> Iterator[str]:
    names = [name for name in action.option_strings if "-" not in name[2:]] or action.option_strings
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if action.choices and not metavar:
        metavar = "{" + ",".join(map(str, action.choices)) + "}"
    left = "  " + " ".join(filter(None, (*names[:1], metavar if action.nargs != 0 else "")))
    text = textwrap.wrap((action.help or "").replace("%%", "%"), _WIDTH - _INDENT)
    if len(left) >= _INDENT:
        yield left
        left = ""
    for number, line in enumerate(text):
        yield f"{left if number == 0 else '':{_INDENT}}{line}"
