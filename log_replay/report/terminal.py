"""The summary of a run for people, on stderr."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from log_replay.counters import SUMS
from log_replay.report.fallbacks import fallback_remarks
from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence

    from log_replay.counters import Counters, ValidationCounts
    from log_replay.report import Report

#: The number of rows of a table, so that it fits a screen. ``--summary`` has all rows.
ROWS = 20
NAMES = 8
#: The width if stderr is not a terminal, so that long names are not wrapped.
PLAIN_WIDTH = 160
COLUMNS = (
    "lines", "blank", "unparsable", "unknown", "filtered", "known", "transformed", "rejected",
    "statements", "delivered", "duplicate", "unrouted", "failed",
)  # fmt: skip

#: The columns on a terminal that is too narrow for all.
NARROW_COLUMNS = frozenset({"lines", "known", "rejected", "statements", "failed"})


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise the error. Rich would end the process."""
        raise BrokenPipeError


def show_summary(report: Report, stream: TextIO) -> None:
    """Print the counters, the rejects by reason, and the problems of a run.

    Raises:
        OSError: the stream cannot be written.
    """
    console = _Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False)
    _print_counters(console, report)
    for title, counter in (
        ("Statements by event", report.statements_by_event),
        ("Rejects by reason", report.rejects_by_reason),
        ("Unknown names", report.unknown_names),
        ("Unsupported shapes", report.unsupported_shapes),
        ("Refused by the destination", report.refusals),
    ):
        if counter:
            console.print(_counted(title, counter))
    if report.validation and report.validation.invalid:
        for line in _broken_rules(report.validation):
            console.print(Text(escape_controls(line)), soft_wrap=True)
    for line in (*remarks(report), *_validation(report)):
        console.print(Text(escape_controls(line)))


def remarks(report: Report) -> Iterable[str]:
    """Return the lines below the counters of a run: objects that were left out, remarks and problems."""
    return (*_left_out(report), *_remarks(report), *_problems(report))


def _print_counters(console: Console, report: Report) -> None:
    """Print the counters of each object; on a narrow terminal only some, and the others below as sums."""
    # Columns with only zeros are left out, except these four.
    total = report.total
    shown = [name for name in COLUMNS if getattr(total, name) or name in {"lines", "known", "statements", "failed"}]
    table = _objects(report, shown)
    wide = console.options.update(width=10 * PLAIN_WIDTH)
    if Measurement.get(console, wide, table).maximum <= console.width:
        console.print(table)
        return
    console.print(_objects(report, [name for name in shown if name in NARROW_COLUMNS]))
    for whole, parts in SUMS.items():
        found = [f"{getattr(total, part):,} {part}" for part in parts if getattr(total, part)]
        console.print(f" {getattr(total, whole):,} {whole} = {' + '.join(found) or '0'}")
    console.print()


def _objects(report: Report, shown: Sequence[str]) -> Table:
    total = report.total
    table = Table("object", box=SIMPLE_HEAD, show_footer=False, pad_edge=False)
    for name in shown:
        table.add_column(name, justify="right")
    rows = list(report.objects.items())
    for name, counters in rows[:ROWS]:
        table.add_row(Text(escape_controls(name), overflow="fold"), *_cells(counters, shown))
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
        table.add_row(Text(escape_controls(name), overflow="fold"), f"{count:,}")
    if len(counter) > NAMES:
        table.add_row(f"... and {len(counter) - NAMES} more", f"{sum(sorted(counter.values())[:-NAMES]):,}")
    return table


def _broken_rules(validation: ValidationCounts) -> Iterable[str]:
    """Yield lines that are never wrapped, so that a place can be copied."""
    rules = validation.as_dict()["rules"]
    yield " Rules that statements break"
    for rule, found in groupby(sorted(rules[:NAMES], key=itemgetter("rule")), key=itemgetter("rule")):
        yield f"   {rule}"
        for row in found:
            yield f"{row['statements']:>10,}  {row['event']}, first at {row['object']}:{row['offset']}"
    if len(rules) > NAMES:
        yield f"   ... and {len(rules) - NAMES} more"
    yield ""


def _left_out(report: Report) -> Iterable[str]:
    for skipped in report.skipped[:ROWS]:
        yield f"skipped {skipped.name}: {skipped.reason}"
    more = len(report.skipped) + report.more_skipped - ROWS
    if more > 0:
        yield f"... and skipped {more} more"
    for name, reason in report.failed_objects.items():
        yield f"FAILED {name}: {reason}"


def _remarks(report: Report) -> Iterable[str]:
    if report.limit:
        yield f"ended after {report.limit:,} statements (--limit); the rest of the logs was not read"
    limit = report.over_line_limit
    if limit and limit.over:
        first = ", ".join(f"{position.object} at {position.offset}" for position in limit.first[:3])
        yield f"{limit.over:,} logged lines are longer than {limit.max_line_bytes:,} bytes: {first} ..."
    if not report.c_extension:
        yield "C extension not built; using the slower Python code (install a C compiler, then reinstall the package)"
    yield from fallback_remarks(report)
    if report.verified:
        yield f"{report.verified:,} events compared with event-routing-backends: {len(report.differences):,} differ"


def _validation(report: Report) -> Iterable[str]:
    if report.validation:
        checked, invalid = report.validation.checked, report.validation.invalid
        yield f"{checked:,} statements checked against the specification: {invalid:,} are invalid"


def _problems(report: Report) -> Iterable[str]:
    yield from (f"WARNING no event matches {escape_controls(option)}" for option in report.unmatched_filters)
    for position, name in report.differences[:ROWS]:
        yield f"DIFFERS {name} in {position.object} at offset {position.offset:,}"
    if report.lost_by_loggers:
        yield f"LOST {report.lost_by_loggers:,} statements that the listener of a logger did not receive"
    yield from (f"UNDELIVERED {message}" for message in report.backlog_messages)
    for name, equations in report.imbalances.items():
        yield f"ERROR the counters of {name} do not add up: {'; '.join(equations)}"
    if report.stopped:
        yield f"STOPPED {_place(report)}: {report.stopped}"


def _place(report: Report) -> str:
    return f"in {report.position.object} at offset {report.position.offset:,}" if report.position else "at the start"
