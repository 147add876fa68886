"""The shapes of the report: headings, facts, counts with bars, and commands."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.columns import Columns
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from log_replay.inspect.terminal.words import name
from log_replay.terminal_text import shell_quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from rich.console import Console, RenderableType

#: From this width on, two tables stand side by side.
WIDE = 110
_BAR_WIDTH = 12
_SHORTEST_NAME = 10
HEADING, LABEL, PROBLEM, GOOD, COMMAND = "bold cyan", "bright_black", "bold yellow", "green", "bold"


def heading(text: str) -> Text:
    """Return the heading of a part."""
    return Text(f"\n{text}", HEADING)


class Widths(NamedTuple):
    """The widths of the names and of the numbers in tables of counts."""

    name: int
    number: int


def sentence(text: str, style: str = "") -> Padding:
    """Return a sentence, indented."""
    return Padding(Text(text, style), (0, 0, 0, 2))


def facts(rows: Iterable[tuple[str, RenderableType | str]]) -> Table:
    """Return rows of a label and what is to be said about it."""
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(style=LABEL, no_wrap=True)
    table.add_column(ratio=1)
    for label, fact in rows:
        table.add_row(f"  {label}", Text(fact) if isinstance(fact, str) else fact)
    return table


def counts(title: str, numbers: Mapping[str, int], rows: int, widths: Widths, bar: str) -> Table:
    """Return a table of numbers by name, the largest first, with bars.

    Args:
        title: the title of the table.
        numbers: the numbers in their order.
        rows: the number of rows before all others are one row.
        widths: the widths of the columns.
        bar: the character of a bar.
    """
    # One more row says more than "1 others".
    shown = dict(numbers) if len(numbers) <= rows + 1 else dict(list(numbers.items())[:rows])
    others = sum(numbers.values()) - sum(shown.values())
    highest = max(numbers.values(), default=0)
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.title, table.title_justify, table.title_style = Text(f"  {title}"), "left", LABEL
    table.add_column(min_width=widths.name + 2, no_wrap=True)
    table.add_column(justify="right", no_wrap=True, min_width=widths.number)
    table.add_column(no_wrap=True, style=GOOD)
    for label, number in shown.items():
        length = max(1, round(_BAR_WIDTH * number / highest)) if number else 0
        table.add_row(Text(f"  {name(label, widths.name)}"), f"{number:,}", bar * length)
    if len(numbers) > len(shown):
        table.add_row(f"  {len(numbers) - len(shown):,} others", f"{others:,}", "")
    return table


def beside(console: Console, tables: list[Table]) -> Iterable[RenderableType]:
    """Return tables side by side if the console is wide, and below each other if not."""
    if console.width < WIDE:
        return tables
    return [Columns(tables[at : at + 2], padding=(0, 2), equal=True) for at in range(0, len(tables), 2)]


def column_widths(console: Console, tables: Collection[Mapping[str, int]]) -> Widths:
    """Return the widths of the columns of tables of counts, which are the same for all of them."""
    digits = len(f"{max((sum(table.values()) for table in tables), default=0):,}")
    available = (console.width - 4) // 2 if console.width >= WIDE else console.width
    longest = max((cell_len(name(label)) for table in tables for label in table), default=0)
    return Widths(max(_SHORTEST_NAME, min(longest, available - digits - _BAR_WIDTH - 6)), digits)


def command(line: str, width: int) -> Text:
    """Return a command line on as many lines as it needs, each continued with a backslash, so that it can be copied.

    A line is only broken before an option.
    """
    groups: list[str] = []
    for word in shlex.split(line):
        quoted = shell_quoted(word)
        if word.startswith("--") or not groups:
            groups.append(quoted)
        else:
            groups[-1] += f" {quoted}"
    lines = [groups[0]]
    for group in groups[1:]:
        if cell_len(lines[-1]) + cell_len(group) + 5 <= width:
            lines[-1] += f" {group}"
        else:
            lines.append(f"  {group}")
    return Text(" \\\n".join(f"  {line}" for line in lines), COMMAND)
