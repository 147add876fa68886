"""One row of the table of options."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

SOURCE = "Source"
DESTINATION = "Destination"
SELECTION = "What to replay"
LOGGING = "Logging of statements"
FAILURES = "Failures and resuming"
SPEED = "Speed"
REPORT = "Report of a dry run"
#: The groups of ``--help``, in its order.
GROUPS = (SOURCE, DESTINATION, SELECTION, LOGGING, FAILURES, SPEED, REPORT)

#: Kinds of destination: ``FILES`` is every storage provider of libcloud, the others are providers of our own.
LRS, CLICKHOUSE, FILES = "LRS", "CLICKHOUSE", "files"

#: Reads the value of an option as it was given; the first argument is the option's spelling, for the error message.
Reader = Callable[[str, Any], Any]


def _as_given(_option: str, value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the command line.

    Attributes:
        group: the group of ``--help`` that shows it.
        help: one or a few sentences for ``--help`` and the reference page.
        type: converts the text of the command line.
        read: checks a given value and converts it to what ``Options`` holds; it is not called for None.
        default: the value that is read if the option is not given.
        flag: the option takes no value.
        negatable: ``--no-NAME`` turns the flag off. Its default depends on other options.
        config_of: the option is the JSON configuration of the provider that this option names. It may hold secrets.
        path: the value is the path of a file.
        identity: a run can be resumed only with the same value.
        output_key: the option changes bytes or names of output files. The value goes into ``Options.key`` by this name.
        stored: the ledger keeps the value, and resuming a run uses it.
        destination: the only kind of destination that the option applies to.
        setting: the value becomes a setting of that destination's configuration.
        needs: the option has no effect without this one.
        positional: the values stand alone on the command line.
        also: another name of the option.
    """

    group: str
    help: str
    type: Callable[[str], Any] | None = None
    read: Reader = _as_given
    default: Any = None
    required: bool = False
    flag: bool = False
    negatable: bool = False
    choices: Sequence[str] | None = None
    nargs: str | None = None
    metavar: str | None = None
    config_of: str | None = None
    path: bool = False
    identity: bool = False
    output_key: str | None = None
    stored: bool = True
    destination: str | None = None
    setting: bool = False
    needs: str | None = None
    positional: bool = False
    also: str | None = None

    @property
    def argument(self) -> dict[str, Any]:
        """The keyword arguments for ``argparse.ArgumentParser.add_argument``."""
        if self.negatable:
            return {"action": BooleanOptionalAction, "help": self.help}
        text = self.help.replace("%", "%%")  # argparse formats it
        if self.flag:
            return {"action": "store_true", "help": text}
        optional = {name: getattr(self, name) for name in ("type", "choices", "nargs", "metavar")}
        given = {name: value for name, value in optional.items() if value is not None}
        if not self.positional:
            given["required"] = self.required
        return {"default": self.default, "help": text, **given}


def option(group: str, help: str, **attributes: Any) -> Any:  # noqa: A002 - argparse's own word
    """Return a dataclass field that is a row of a table of options."""
    return field(metadata={"option": Option(group=group, help=help, **attributes)})


def options_of(table: type) -> dict[str, Option]:
    """Return the rows of a dataclass, by the names of the options."""
    rows = [row for row in fields(table) if "option" in row.metadata]
    rows.sort(key=lambda row: GROUPS.index(row.metadata["option"].group))
    return {row.name: row.metadata["option"] for row in rows}
