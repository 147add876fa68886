"""The parts of the report on what is there and what would come out, and the order of all parts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.text import Text

from log_replay.inspect.terminal.chart import chart
from log_replay.inspect.terminal.layout import GOOD, PROBLEM, WIDE, beside, column_widths, counts, facts, heading
from log_replay.inspect.terminal.plans import duration, next_steps
from log_replay.inspect.terminal.problems import rejects, validation
from log_replay.inspect.terminal.words import day_or_hour, enumerated, moment, name, number_of, percent, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console, RenderableType

    from log_replay.inspect.terminal.chart import Marks
    from log_replay.inspect.terminal.words import Figures

KINDS = {"xapi": "xAPI", "caliper": "Caliper"}
_TRANSPORTS = {"docker": "docker", "kubernetes": "Kubernetes", "vector-file": "Vector's file source"}
#: The classes of lines, with their keys and what they are.
_CLASSES = (
    ("known events", "known_lines", "statements exist for them"),
    ("other events", "unknown_lines", "no statements exist for them, such as page views"),
    ("filtered", "filtered_lines", "left out by the options of this run"),
    ("no events", "unparsable_lines", "damaged, or written by another program"),
    ("blank", "blank_lines", ""),
)
#: The number of rows of a list, of a table, and of a table on a wide terminal.
_LISTED, _ROWS, _WIDE_ROWS = 6, 6, 8
_SAMPLED_HOLES = "not looked for: the sample is too small for that"
_SAMPLED_REPEATS = "none in the sample"
_CHART_WIDTH, _CHART_ROWS, _WIDE_CHART_ROWS = 116, 6, 8


def sections(figures: Figures, console: Console, marks: Marks) -> Iterator[RenderableType]:
    """Yield everything that is printed."""
    yield _title(figures)
    if figures.document["sample"]:
        yield _sample(figures)
    yield from _incomplete(figures)
    yield heading("What is there")
    yield facts(_contents(figures))
    yield from _chart(figures, console, marks)
    yield facts(_irregularities(figures))
    yield heading("What would come out")
    yield facts(_statements(figures))
    yield from _tables(figures, console, marks)
    yield from rejects(figures)
    yield from validation(figures)
    yield heading("How long")
    yield facts(duration(figures))
    yield heading("What to type next")
    yield from next_steps(figures, console)


def _title(figures: Figures) -> Text:
    source = dict(figures.document["source"])
    provider, prefix = source.pop("provider"), source.pop("prefix", "")
    if provider == "LOCAL":
        where = f"{source.pop('key', '.').rstrip('/')}/{source.pop('container', '')}"
    elif provider == "PATHS":
        where = source["paths"]
    elif provider == "STDIN":
        return Text("Tracking logs on standard input", "bold")
    else:
        where = " ".join((provider, *(f"{key}={value}" for key, value in source.items())))
    names = f", names that begin with {name(prefix)}" if prefix else ""
    return Text(f"Tracking logs in {name(where)}{names}", "bold")


def _sample(figures: Figures) -> Text:
    read = figures.document["sample"].get("read_bytes")
    return Text(
        f"This is a sample{f' of {size(read)}' if read else ''}: figures are estimates for the whole log. In 95 of 100 "
        "samples, the true value is within the margin that stands beside a figure.",
        PROBLEM,
    )


def _incomplete(figures: Figures) -> Iterator[Text]:
    failed = figures.document["contents"]["failed_objects"]
    if figures.document["stopped"]:
        yield Text("The run was stopped. The figures are about what was read until then.", PROBLEM)
    if others := figures.document["lines_not_in_report"]:
        yield Text(
            f"{number_of(others, 'line')} of this run were read before, or by other processes: this report is about "
            "the rest. For a report on everything, leave --run out.",
            PROBLEM,
        )
    if failed:
        objects = number_of(len(failed), "object")
        yield Text(f"{objects} could not be read to the end; see below. The figures do not have the rest.", PROBLEM)


def _contents(figures: Figures) -> Iterator[tuple[str, str]]:
    contents = figures.document["contents"]
    stored, read = contents["stored_bytes"], contents["bytes"]
    sizes = figures.bytes("/contents/bytes")
    if figures.document["stopped"]:
        sizes = f"{size(stored)} as stored; {sizes} read" if stored else f"{sizes} read"
    elif stored and stored != read:
        sizes = f"{size(stored)} as stored, {sizes} decompressed"
    yield "objects", f"{contents['objects']:,}: {sizes}"
    yield "lines", figures.count("/contents/lines")
    for label, key, meaning in _CLASSES:
        if contents[key]:
            yield f"  {label}", f"{figures.count(f'/contents/{key}')}  {meaning}"
    if figures.document["filters"]["given"]:
        yield "filters", name(" ".join(figures.document["filters"]["given"]))
    if contents["first_event"]:
        without = contents["lines_without_time"]
        note = f" ({number_of(without, 'line')} without a time)" if without else ""
        yield "time", f"{moment(contents['first_event'])} to {moment(contents['last_event'])} UTC{note}"


def _chart(figures: Figures, console: Console, marks: Marks) -> Iterator[Text]:
    rows = _WIDE_CHART_ROWS if console.width >= WIDE else _CHART_ROWS
    drawn = chart(figures.document["contents"], min(console.width - 2, _CHART_WIDTH), rows, marks)
    if drawn:
        yield from (Text(), *(Text("  ").append_text(line) for line in drawn), Text())


def _irregularities(figures: Figures) -> Iterator[tuple[str, RenderableType | str]]:
    contents = figures.document["contents"]
    if contents["first_event"]:
        sampled = figures.document["sample"]
        is_too_small = sampled and not contents["holes"]["looked_for"]
        yield "holes", Text(_SAMPLED_HOLES) if is_too_small else _holes(contents["holes"])
        yield "repeats", Text(_SAMPLED_REPEATS) if sampled and not contents["repeats"] else _repeats(contents)
    if contents["unknown_events"]:
        yield "other events", enumerated(contents["unknown_events"], _LISTED)


def _holes(found: Mapping[str, Any]) -> Text:
    step, holes = found["step_hours"], found["list"]
    unit = "day" if step > 1 else "hour"
    if not holes:
        return Text(f"none: every {unit} between the first and the last event has lines")
    lines = [f"{number_of(found['hours'] // step, unit)} without a line, between others that have some:"]
    for hole in holes[:_LISTED]:
        begin, end = day_or_hour(hole["begin"], step), day_or_hour(hole["end"], step)
        longer = f" up to {end} ({number_of(hole['hours'] // step, unit)})" if hole["hours"] > step else ""
        lines.append(f"{begin}{longer}")
    if len(holes) > _LISTED:
        lines.append(f"... and {len(holes) - _LISTED:,} more")
    return Text("\n".join(lines), PROBLEM)


def _repeats(contents: Mapping[str, Any]) -> Text:
    repeats = contents["repeats"]
    if not repeats:
        return Text("none: no line occurs twice")
    lines = [_repeat(repeat) for repeat in repeats[:_LISTED]]
    more = len(repeats) - len(lines) + contents["repeats_not_listed"]
    lines += [f"... and {more:,} more"] if more else []
    lines.append("The same event gives the same id again, so destinations keep its statement once.")
    return Text("\n".join(lines), PROBLEM)


def _repeat(repeat: Mapping[str, Any]) -> str:
    shown, of = name(repeat["object"]), name(repeat["of"])
    lines = f"{'' if repeat['exact'] else 'about '}{number_of(repeat['lines'], 'line')}"
    if repeat["whole"]:
        return f"{shown} is a copy of {of} ({lines})"
    if repeat["object"] == repeat["of"]:
        return f"{shown} has {lines} more than once"
    times = f"{moment(repeat['first_event'])} to {moment(repeat['last_event'])}"
    return f"{shown} has {lines} of {of} as well ({percent(repeat['share'])} of its lines, {times})"


def _statements(figures: Figures) -> Iterator[tuple[str, RenderableType | str]]:
    found = figures.document["statements"]
    kind = KINDS[figures.document["transformer_type"]]
    made = (
        f"{figures.number_of('/statements/count', f'{kind} statement')} of "
        f"{figures.number_of('/statements/events', 'event')}"
    )
    yield "statements", Text(made, f"bold {GOOD}" if found["count"] else PROBLEM)
    if not found["count"]:
        return
    without = figures.count("/statements/without_course") if found["without_course"] else ""
    is_rounded = not (found["users_exact"] or figures.document["sample"])
    yield "users", ("about " if is_rounded else "") + figures.count("/statements/users")
    yield "courses", figures.count("/statements/courses") + (f"; {without} statements name none" if without else "")
    yield "size", f"{figures.bytes('/statements/bytes')}; the longest statement has {found['longest_bytes']:,} bytes"
    yield "logged lines", _line_limits(found["line_limits"])
    rows, raw = figures.number_of("/statements/clickhouse/rows", "row"), figures.bytes("/statements/clickhouse/bytes")
    stored = size(found["clickhouse"]["estimated_stored_bytes"])
    yield "ClickHouse", f"{rows}, {raw} before compression, about {stored} on its disk"
    if found["without_time"]:
        without = f"{figures.count('/statements/without_time')} statements have a time that ClickHouse cannot store"
        yield "times", Text(without, PROBLEM)


def _line_limits(limits: Mapping[str, Any]) -> Text:
    over = {transport: limit for transport, limit in limits.items() if limit["statements_over"]}
    if not over:
        return Text("none is too long for docker, Kubernetes or Vector's file source")
    lines = []
    for transport, limit in over.items():
        first = limit["first"]
        lines.append(
            f"{number_of(limit['statements_over'], 'line')} over the {limit['max_line_bytes']:,} bytes of "
            f"{_TRANSPORTS[transport]}; the first: {name(first['object'])}:{first['offset']}"
        )
    return Text("\n".join(lines), PROBLEM)


def _tables(figures: Figures, console: Console, marks: Marks) -> Iterator[RenderableType]:
    found = figures.document["statements"]
    rows = _WIDE_ROWS if console.width >= WIDE else _ROWS
    verbs: Counter[str] = Counter()
    for verb, number in found["by_verb"].items():
        verbs[verb.rstrip("/").rpartition("/")[2]] += number
    tables = {"verb": verbs, "event": found["by_event"], "course": found["by_course"], "organisation": found["by_org"]}
    widths = column_widths(console, tables.values())
    shown = [counts(f"by {title}", numbers, rows, widths, marks.bar) for title, numbers in tables.items() if numbers]
    for table in beside(console, shown):
        yield from (Text(), table)
