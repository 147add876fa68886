"""Gaps for people on a terminal, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from log_replay.gaps.compare import Gap, Gaps

#: Rows that fit a few screens; the JSON and the page have all.
ROWS = 100
_PLAIN_WIDTH = 120
UNKNOWN_EVENT = "(only in the table)"


def shown_name(gaps: Gaps, key: str) -> str:
    """Return what a row is called: of what only the table has, nobody knows the event's name."""
    return UNKNOWN_EVENT if gaps.by == "event" and key == "(none)" else key


def show_gaps(gaps: Gaps, stream: TextIO) -> None:
    """Print a table; where it would be long, of what differs only."""
    console = Console(file=stream, width=None if stream.isatty() else _PLAIN_WIDTH, highlight=False)
    differing = {key: gap for key, gap in gaps.rows.items() if gap.missing or gap.only_in_table}
    rows = gaps.rows if len(gaps.rows) <= ROWS else differing
    table = Table(gaps.by, box=SIMPLE_HEAD, pad_edge=False)
    for name in ("in the logs", "present", "missing", *(["only in the table"] if gaps.whole else [])):
        table.add_column(name, justify="right")
    for key, gap in list(rows.items())[:ROWS]:
        table.add_row(Text(shown_name(gaps, key), overflow="fold"), *_cells(gaps, gap))
    table.add_section()
    table.add_row("all", *_cells(gaps, gaps.total))
    console.print(table)
    console.print(Text(_verdict(gaps)))
    left_out = len(gaps.rows) - min(len(rows), ROWS)
    if left_out:
        console.print(Text(f"{left_out} more rows are in --json and --html"))


def as_json(gaps: Gaps) -> dict[str, Any]:
    """Return all of it."""
    return {
        "table": gaps.place,
        "by": gaps.by,
        "total": _as_dict(gaps, gaps.total),
        "gaps": [{gaps.by: shown_name(gaps, key), **_as_dict(gaps, gap)} for key, gap in gaps.rows.items()],
    }


def _as_dict(gaps: Gaps, gap: Gap) -> dict[str, int | None]:
    return {
        "logs": gap.logs,
        "present": gap.present,
        "missing": gap.missing,
        "only_in_table": gap.only_in_table if gaps.whole else None,
    }


def _cells(gaps: Gaps, gap: Gap) -> Iterable[str]:
    numbers = (gap.logs, gap.present, gap.missing, *([gap.only_in_table] if gaps.whole else []))
    return [f"{number:,}" for number in numbers]


def _verdict(gaps: Gaps) -> str:
    total = gaps.total
    if not total.missing:
        return f"Every statement of the logs is in {gaps.place}."
    return (
        f"{total.missing:,} of {total.logs:,} statements are not in {gaps.place}; --only_missing delivers just those."
    )
