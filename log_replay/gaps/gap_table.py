"""Show gaps as a table on a terminal, and as JSON."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from log_replay.gaps.compare import NO_KEY
from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from log_replay.gaps.compare import Gap, Gaps

#: The maximum number of rows on a terminal. JSON and the HTML report have all rows.
MAX_ROWS = 100
#: The width of the table if it is not shown on a terminal.
PLAIN_WIDTH = 120
_UNKNOWN_EVENT = "(only in the table)"


def shown_key(gaps: Gaps, key: str) -> str:
    """Return the name of a row. The event names of statements that are only in the table are unknown."""
    return _UNKNOWN_EVENT if gaps.by == "event" and key == NO_KEY else key


def shown_columns(gaps: Gaps) -> list[str]:
    """Return the names of the columns with numbers."""
    return ["in the logs", "present", "missing", *(["only in the table"] if gaps.whole else [])]


def shown_numbers(gaps: Gaps, gap: Gap) -> list[str]:
    """Return the numbers of a row, formatted, in the order of the columns."""
    numbers = (gap.logs, gap.present, gap.missing, *([gap.only_in_table] if gaps.whole else []))
    return [f"{number:,}" for number in numbers]


def gaps_as_text(gaps: Gaps, width: int = PLAIN_WIDTH) -> str:
    """Return a table with all rows and a conclusion. Above ``MAX_ROWS``, it has only rows with differences."""
    stream = StringIO()
    console = Console(file=stream, width=width, highlight=False)
    differing = {key: gap for key, gap in gaps.rows.items() if gap.missing or gap.only_in_table}
    rows = gaps.rows if len(gaps.rows) <= MAX_ROWS else differing
    table = Table(gaps.by, box=SIMPLE_HEAD, pad_edge=False)
    for name in shown_columns(gaps):
        table.add_column(name, justify="right")
    for key, gap in list(rows.items())[:MAX_ROWS]:
        table.add_row(Text(escape_controls(shown_key(gaps, key)), overflow="fold"), *shown_numbers(gaps, gap))
    table.add_section()
    table.add_row("all", *shown_numbers(gaps, gaps.total))
    console.print(table)
    console.print(Text(escape_controls(_conclusion(gaps))))
    left_out = len(gaps.rows) - min(len(rows), MAX_ROWS)
    if left_out:
        console.print(Text(f"{left_out} more rows are in --json and --html"))
    return stream.getvalue()


def gaps_as_json(gaps: Gaps) -> dict[str, Any]:
    """Return all rows and the total as values for JSON."""
    return {
        "table": gaps.place,
        "by": gaps.by,
        "total": _as_dict(gaps, gaps.total),
        "gaps": [{gaps.by: shown_key(gaps, key), **_as_dict(gaps, gap)} for key, gap in gaps.rows.items()],
    }


def _as_dict(gaps: Gaps, gap: Gap) -> dict[str, int | None]:
    return {
        "logs": gap.logs,
        "present": gap.present,
        "missing": gap.missing,
        "only_in_table": gap.only_in_table if gaps.whole else None,
    }


def _conclusion(gaps: Gaps) -> str:
    total = gaps.total
    if not total.missing:
        return f"Every statement of the logs is in {gaps.place}."
    return (
        f"{total.missing:,} of {total.logs:,} statements are not in {gaps.place}; --only_missing delivers just those."
    )
