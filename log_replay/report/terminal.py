"""The summary that people read when a run ends."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from log_replay.records import Counters
    from log_replay.report import Report

#: Rows of a table that fit a screen; ``--summary`` has all.
ROWS = 20
NAMES = 8
#: Where stderr is no terminal, names are still not cut.
PLAIN_WIDTH = 160
COLUMNS = (
    "lines", "blank", "unparsable", "unknown", "filtered", "known", "transformed", "rejected",
    "statements", "delivered", "duplicate", "unrouted", "failed",
)  # fmt: skip


def show_summary(report: Report, stream: TextIO) -> None:
    """Print the counters, what was rejected and why, and what went wrong."""
    console = Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False)
    console.print(_objects(report))
    for title, counter in (
        ("Statements by event", report.statements_by_event),
        ("Rejects by reason", report.rejects_by_reason),
        ("Unknown names", report.unknown_names),
        ("Refused by the destination", report.failures),
    ):
        if counter:
            console.print(_counted(title, counter))
    for line in (*_left_out(report), *_remarks(report)):
        console.print(Text(line))


def _objects(report: Report) -> Table:
    # Columns that are zero throughout say nothing but take room; the first and the last always stand.
    total = report.total
    shown = [name for name in COLUMNS if getattr(total, name) or name in {"lines", "known", "statements", "failed"}]
    table = Table("object", box=SIMPLE_HEAD, show_footer=False, pad_edge=False)
    for name in shown:
        table.add_column(name, justify="right")
    rows = list(report.objects.items())
    for name, counters in rows[:ROWS]:
        table.add_row(Text(name, overflow="fold"), *_cells(counters, shown))
    if len(rows) > ROWS:
        table.add_row(f"... and {len(rows) - ROWS} more")
    if len(rows) != 1:
        table.add_section()
        table.add_row(f"all {len(rows)} objects", *_cells(total, shown))
    return table


def _cells(counters: Counters, shown: Iterable[str]) -> list[str]:
    values = asdict(counters)
    return [f"{values[name]:,}" for name in shown]


def _counted(title: str, counter: Counter[str]) -> Table:
    table = Table(title, box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right")
    for name, count in counter.most_common(NAMES):
        table.add_row(Text(name, overflow="fold"), f"{count:,}")
    if len(counter) > NAMES:
        table.add_row(f"... and {len(counter) - NAMES} more", f"{sum(sorted(counter.values())[:-NAMES]):,}")
    return table


def _left_out(report: Report) -> Iterable[str]:
    for skipped in report.skipped[:ROWS]:
        yield f"skipped {skipped.name}: {skipped.reason}"
    if len(report.skipped) > ROWS:
        yield f"... and skipped {len(report.skipped) - ROWS} more"
    for name, reason in report.failed_objects.items():
        yield f"FAILED {name}: {reason}"


def _remarks(report: Report) -> Iterable[str]:
    limit = report.over_line_limit
    if limit and limit.over:
        first = ", ".join(f"{position.object} at {position.offset}" for position in limit.first[:3])
        yield f"{limit.over:,} logged lines are longer than {limit.max_line_bytes:,} bytes: {first} ..."
    if not report.compiled:
        yield "slower than need be: nothing is compiled; install a C compiler, and then this package anew"
    upstream = {way: count for way, count in report.transform_paths.items() if way != "native"}
    if upstream:
        reasons = ", ".join(f"{way} {count:,}" for way, count in upstream.items())
        yield f"made by event-routing-backends itself: {sum(upstream.values()):,} events ({reasons})"
    if report.verified:
        yield f"verified against event-routing-backends: {report.verified:,} events, {len(report.differences):,} differ"
    for position, name in report.differences[:ROWS]:
        yield f"DIFFERS {name} in {position.object} at offset {position.offset:,}"
    if report.lost_by_loggers:
        yield f"LOST {report.lost_by_loggers:,} statements on the way to a logger's listener"
    yield from (f"MISSED {missed}" for missed in report.backlog_messages)
    for name, equations in report.imbalances.items():
        yield f"ERROR the counters of {name} do not add up: {'; '.join(equations)}"
    if report.stopped:
        yield f"STOPPED {_how_far(report)}: {report.stopped}"


def _how_far(report: Report) -> str:
    return f"in {report.position.object} at offset {report.position.offset:,}" if report.position else "at once"
