"""The base class of all commands: their ``--help``, ``--version`` and argument errors."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from argparse import Action, RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter

from log_replay.management.exit_codes import WRONG_USAGE
from log_replay.management.stdout import Stderr, ensure_stderr
from log_replay.management.verbs import ALIASES, verbs
from log_replay.management.versions import versions
from log_replay.spelling import did_you_mean
from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Patterns in the messages of argparse, which repeat all spellings and values that may be secrets; and replacements.
_REWORDED = (
    (re.compile(r"(--\w+)(?:/--[\w-]+)+"), r"\1"),
    (re.compile(r"^Error: "), ""),
    (re.compile(r"ignored explicit argument '.*'$", re.DOTALL), "this option takes no value"),
    (re.compile(r"(ambiguous option: [^\s=]+)=.* could match", re.DOTALL), r"\1 could match"),
)
#: Texts are never wider, even on a wide terminal.
_MOST_COLUMNS = 100
_BEFORE_OPTION = re.compile(r" (?=--|\| |> )")


def help_columns() -> int:
    """Return the width of texts for --help, as argparse chooses it for options."""
    return min(_MOST_COLUMNS, shutil.get_terminal_size().columns - 2)


class HelpFormatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Keeps the line ends of the description, and shows each option with underscores only."""

    def _format_action_invocation(self, action: Action) -> str:
        if not action.option_strings or action.nargs == 0:
            return ", ".join(_shown_spellings(action)) or super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(_shown_spellings(action))} {value}"


class _IntermixedParser(CommandParser):
    """A parser of positional arguments that stand before, between and after options."""

    _inside = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the options first, and then the positional arguments."""
        if self._inside:
            return super().parse_known_args(args, namespace)
        self._inside = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inside = False


class LogReplayCommand(BaseCommand):
    """A command whose help begins with examples, and whose argument errors are one line.

    Attributes:
        examples: command lines, each after a comment that says what it is for.
        usage: the first line of ``--help``.
        short_examples: likewise, if the command is called by its short verb and this is not empty.
        short_usage: likewise.
        verb: the short verb under which the command was called (see ``verbs``), or None for its long name. It is set
            before ``add_arguments`` is called.
    """

    examples = ""
    usage: str | None = None
    short_examples = ""
    short_usage: str | None = None
    verb: str | None = None
    requires_system_checks = ()
    requires_migrations_checks = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        ensure_stderr()
        super().__init__(*args, **kwargs)
        self.stderr = Stderr(cast("TextIO", self.stderr._out))  # noqa: SLF001 - Django has no public name for it
        self.stderr.style_func = self.style.ERROR

    def get_version(self) -> str:
        """Return the version of Log Replay, for ``--version``."""
        return versions(detailed=False)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return the parser, with ungrouped options, such as those of Django, in the last group of ``--help``."""
        called_as = ALIASES.get(subcommand, subcommand)
        self.verb = called_as if called_as in verbs() else None
        usage = (self.verb and self.short_usage) or self.usage
        examples = (self.verb and self.short_examples) or self.examples
        parser = super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, usage=usage, **kwargs)
        if any(action.dest == "sources" for action in parser._actions):  # noqa: SLF001 - as below
            parser.__class__ = _IntermixedParser
        columns = help_columns()
        paragraphs = [textwrap.fill(paragraph, columns) for paragraph in self.help.split("\n\n")]
        if examples:
            lines = examples.rstrip().replace("%(prog)s", parser.prog).split("\n")
            paragraphs.insert(0, "\n".join(["Examples:", "", *(_wrapped_example(line, columns) for line in lines)]))
        parser.description = "\n\n".join(paragraphs)
        groups = parser._action_groups  # noqa: SLF001 - argparse has no public way to order groups
        groups.append(groups.pop(groups.index(parser._optionals)))  # noqa: SLF001 - as above
        parser._optionals.title = "Other options"  # noqa: SLF001 - as above
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command; wrong arguments are one line on stderr and exit code 2."""
        stderr = cast("Stderr", self.stderr)
        stderr.program = f"{Path(argv[0]).name} {argv[1]}"
        # Django's parser raises its errors as long as this attribute is not set, and prints 40 lines of usage later.
        parser = self.create_parser(argv[0], argv[1])
        try:
            parsed, unknown = parser.parse_known_args(argv[2:])
        except CommandError as error:
            self._refuse(stderr.program, _reworded(str(error)))
        # argparse takes a misspelt option for a positional argument if there is a space in its value.
        unknown += [source for source in getattr(parsed, "sources", ()) if source.startswith("-") and source != "-"]
        if unknown:
            self._refuse(stderr.program, _unknown_arguments(unknown, _spellings(parser)))
        super().run_from_argv(argv)

    def _refuse(self, program: str, message: str) -> NoReturn:
        self.stderr.write(escape_controls(f"{program}: {message} ({program} --help lists all options)"))
        sys.exit(WRONG_USAGE)


def _unknown_arguments(unknown: Sequence[str], spellings: Iterable[str]) -> str:
    """Return the error for arguments that no option takes. Values are not repeated, since they can be secrets."""
    names = [argument.partition("=")[0] for argument in unknown if re.match(r"--?[A-Za-z]", argument)]
    if not names:
        return "unexpected argument; a value that contains spaces needs quotes"
    # Only what looks like the name of an option is shown.
    name = names[0] if re.fullmatch(r"--?[\w-]+", names[0]) else "of this name"
    return "; ".join(filter(None, (f"there is no option {name}", did_you_mean(name, spellings))))


def _wrapped_example(line: str, columns: int) -> str:
    """Wrap a comment, or a command line with backslashes before options, so that it can still be pasted."""
    if len(line) <= columns or line.lstrip().startswith("#"):
        return textwrap.fill(line, columns, subsequent_indent="  # ")
    first, *options = _BEFORE_OPTION.split(line)
    lines = [first]
    for option in options:
        if len(lines[-1]) + len(option) + len("  \\") > columns:
            lines[-1] += " \\"
            lines.append(f"      {option}")
        else:
            lines[-1] += f" {option}"
    return "\n".join(lines)


def _reworded(message: str) -> str:
    for pattern, replacement in _REWORDED:
        message = pattern.sub(replacement, message)
    return message


def _spellings(parser: CommandParser) -> list[str]:
    return [spelling for action in parser._actions for spelling in _shown_spellings(action)]  # noqa: SLF001 - as above


def _shown_spellings(action: Action) -> list[str]:
    """Return an option's spellings without the one with dashes, if there is one with underscores."""
    twins = {f"--{spelling[2:].replace('_', '-')}" for spelling in action.option_strings if "_" in spelling}
    return [spelling for spelling in action.option_strings if spelling not in twins]
