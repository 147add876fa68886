"""Draw lines and statements over time as columns of characters."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Up to this span, columns are hours.
_HOURS_UP_TO = timedelta(days=3)
_WIDEST_COLUMN = 8
_HOUR = timedelta(hours=1)
STATEMENT_STYLE, LINE_STYLE = "green", "bright_black"


class Marks(NamedTuple):
    """The characters of charts: statements, other lines, lines that are too few for a mark; and those of bars."""

    statement: str
    line: str
    few: str
    bar: str


UNICODE, ASCII = Marks("█", "░", "▁", "━"), Marks("#", ":", ".", "=")


class Column(NamedTuple):
    """The numbers of one column."""

    begin: datetime
    lines: int
    statements: int


def chart(contents: Mapping[str, Any], width: int, rows: int, marks: Marks) -> list[Text]:
    """Return the lines of the chart; none for a log without times.

    Args:
        contents: the part of the document with ``by_hour`` and ``by_day``.
        width: the width of the chart.
        rows: its height without its caption.
        marks: its characters.
    """
    if not contents["first_event"]:
        return []
    columns, step = _columns(contents, width - 12)
    highest = max(max(column.lines, column.statements) for column in columns)
    label_width = len(f"{highest:,}") + 1
    column_width = max(1, min(_WIDEST_COLUMN, (width - label_width - 2) // len(columns)))
    gap = " " if column_width > 2 else ""  # noqa: PLR2004 - narrow columns need all their width
    drawn = []
    for row in range(rows, 0, -1):
        label = f"{highest:,}" if row == rows else "0" if row == 1 else ""
        line = Text(f"{label:>{label_width}} ")
        for column in columns:
            mark, style = _mark(column, row, rows, highest, marks)
            line.append(mark * (column_width - len(gap)) + gap, style)
        line.rstrip()
        drawn.append(line)
    drawn.append(_axis(columns, column_width, label_width, by_day=step >= timedelta(days=1)))
    drawn.append(_caption(step, label_width, marks))
    return drawn


def _columns(contents: Mapping[str, Any], most: int) -> tuple[list[Column], timedelta]:
    """Return the columns from the first event to the last, and the time that each stands for."""
    first, last = (datetime.fromisoformat(contents[key]) for key in ("first_event", "last_event"))
    by_hour = contents["by_hour"] is not None and last - first <= _HOURS_UP_TO
    series = contents["by_hour" if by_hour else "by_day"]
    times = [datetime.fromisoformat(time) for time in series["time"]]
    base = _HOUR * series["step_hours"]
    begin, count = times[0], (times[-1] - times[0]) // base + 1
    factor = -(-count // most)
    step = base * factor
    lines, statements = [0] * -(-count // factor), [0] * -(-count // factor)
    for time, line_count, statement_count in zip(times, series["lines"], series["statements"], strict=True):
        lines[(time - begin) // step] += line_count
        statements[(time - begin) // step] += statement_count
    numbers = zip(lines, statements, strict=True)
    return [Column(begin + number * step, *pair) for number, pair in enumerate(numbers)], step


def _mark(column: Column, row: int, rows: int, highest: int, marks: Marks) -> tuple[str, str]:
    level = (row - 0.5) * highest / rows
    if column.statements >= level:
        return marks.statement, STATEMENT_STYLE
    if column.lines >= level:
        return marks.line, LINE_STYLE
    if row == 1 and (column.lines or column.statements):
        return marks.few, STATEMENT_STYLE if column.statements else LINE_STYLE
    return " ", ""


def _axis(columns: Sequence[Column], column_width: int, label_width: int, *, by_day: bool) -> Text:
    """Return the labels below the columns: the first, the last, and those between them that have space."""
    form = "%m-%d" if by_day else "%H:%M"
    if by_day and columns[0].begin.year != columns[-1].begin.year:
        form = "%Y-%m-%d"
    labels = [f"{column.begin:{form}}" for column in columns]
    length = len(labels[0]) + 2
    text = [" "] * (len(columns) * column_width + length)
    every = -(-length // column_width)
    for number in range(0, len(columns), every):
        text[number * column_width : number * column_width + len(labels[number])] = labels[number]
    return Text(" " * (label_width + 1) + "".join(text).rstrip())


def _caption(step: timedelta, label_width: int, marks: Marks) -> Text:
    caption = Text(" " * (label_width + 1))
    caption.append(marks.statement, STATEMENT_STYLE)
    caption.append(" statements  ")
    caption.append(marks.line, LINE_STYLE)
    caption.append(f" other lines, by {_named(step)} (UTC)")
    return caption


def _named(step: timedelta) -> str:
    days, hours = step.days, step.seconds // 3600
    if days:
        return "day" if days == 1 else f"{days} days"
    return "hour" if hours == 1 else f"{hours} hours"
