"""The tables of the page: rows of cells, with what to sort by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from log_replay.inspect.page.figures import Cell, duration_text, number, percent, size_text, time_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.inspect.page.figures import Figures

#: The number of rows of a table. The JSON document has all.
ROWS = 500


@dataclass
class PageTable:
    """A table, with a note on rows that it leaves out."""

    id: str
    label: str
    columns: Sequence[str]
    rows: list[list[Cell]]
    left_out: int = 0
    numeric: frozenset[int] = field(default_factory=frozenset)

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """The labels of the columns, and whether they have numbers."""
        cells = self.rows[0] if self.rows else []
        return [(label, bool(cells) and cells[place].is_number) for place, label in enumerate(self.columns)]


def _table(id_: str, label: str, columns: Sequence[str], rows: list[list[Cell]]) -> PageTable | None:
    if not rows:
        return None
    return PageTable(id_, label, columns, rows[:ROWS], max(0, len(rows) - ROWS))


def _name(text: str) -> Cell:
    return Cell(text, text, is_code=True)


def _text(text: str) -> Cell:
    return Cell(text, text)


def event_rows(figures: Figures) -> list[tuple[str, Cell]]:
    """Return the statements of each event, the most frequent first."""
    return _named(figures, "statements", "by_event")


def course_rows(figures: Figures) -> list[tuple[str, Cell]]:
    """Return the statements of each course, the largest first."""
    return _named(figures, "statements", "by_course")


def _named(figures: Figures, *path: str) -> list[tuple[str, Cell]]:
    return [(name, figures.number(*path, name)) for name in figures.value(*path) or {}]


def reject_rows(figures: Figures) -> list[tuple[str, Cell]]:
    """Return the rejects of each reason, the most frequent first."""
    reasons = figures.value("rejects", "reasons") or []
    return [(row["reason"], figures.number("rejects", "reasons", at, "count")) for at, row in enumerate(reasons)]


def named_table(
    id_: str, label: str, column: str, rows: Sequence[tuple[str, Cell]], figures: Figures | None
) -> PageTable | None:
    """Return a table of numbers by name, with their shares if ``figures`` has the whole."""
    whole = sum(float(cell.value) for _, cell in rows) if figures else 0
    columns = [column, "Number", "Share"] if whole else [column, "Number"]
    shares = [[percent(float(cell.value) / whole)] if whole else [] for _, cell in rows]
    return _table(
        id_, label, columns, [[_name(name), cell, *share] for (name, cell), share in zip(rows, shares, strict=True)]
    )


def rejects_table(figures: Figures) -> PageTable | None:
    """Return the reasons for rejects, with what they mean and what to do."""
    rows = []
    for at, reason in enumerate(figures.value("rejects", "reasons") or []):
        count = figures.number("rejects", "reasons", at, "count")
        first = reason.get("first")
        place = f"{first['object']}:{first['offset']}" if first else "-"
        meaning = " ".join(part for part in (reason.get("meaning"), reason.get("cause")) if part)
        share = percent(reason.get("share_of_events"))
        rows.append(
            [_name(reason["reason"]), count, share, _text(meaning), _text(reason.get("next_step") or ""), _name(place)]
        )
    columns = ["Reason", "Number", "Share", "What it means", "What to do", "First one"]
    return _table("rejects", "Rejected lines", columns, rows)


def holes_table(figures: Figures) -> PageTable | None:
    """Return the times without any line."""
    rows = [
        [
            Cell(time_text(hole["begin"]), hole["begin"]),
            Cell(time_text(hole["end"]), hole["end"]),
            number(hole["hours"]),
        ]
        for hole in figures.value("contents", "holes", "list") or []
    ]
    return _table("holes", "Times without any line", ["From", "To", "Hours"], rows)


def repeats_table(figures: Figures) -> PageTable | None:
    """Return the objects that have lines of other objects."""
    rows = []
    for at, repeat in enumerate(figures.value("contents", "repeats") or []):
        lines = figures.number("contents", "repeats", at, "lines")
        kind = "a copy" if repeat["whole"] else "inside itself" if repeat["object"] == repeat["of"] else "some lines"
        rows.append([_name(repeat["object"]), _name(repeat["of"]), _text(kind), lines, percent(repeat["share"])])
    return _table("repeats", "Repeated lines", ["Object", "Same lines as", "Repeats", "Lines", "Share"], rows)


def objects_table(figures: Figures) -> PageTable | None:
    """Return the objects that were read."""
    rows = [
        [
            _name(found["name"]),
            Cell(size_text(found["stored_bytes"]), found["stored_bytes"] or 0),
            number(found["lines"]),
            number(found["statements"]),
            number(found["rejects"]),
            Cell(time_text(found["first_event"]), found["first_event"] or ""),
            Cell(time_text(found["last_event"]), found["last_event"] or ""),
        ]
        for found in figures.value("contents", "object_list") or []
    ]
    columns = ["Object", "Stored", "Lines", "Statements", "Rejected", "First event", "Last event"]
    return _table("objects", "Objects", columns, rows)


def replay_table(figures: Figures) -> PageTable | None:
    """Return how long a real replay takes, by the number of workers."""
    rows = [
        [
            number(row["workers"]),
            Cell(duration_text(row["processing_seconds"]), row["processing_seconds"]),
            Cell(duration_text(row["total_seconds"]), row["total_seconds"]),
        ]
        for row in figures.value("duration", "replay") or []
    ]
    return _table("replay", "Time of a real replay", ["Workers", "Processing", "With pauses"], rows)


def validation_table(figures: Figures) -> PageTable | None:
    """Return the rules of the specification that statements violate."""
    rules: Sequence[Mapping[str, Any]] = figures.value("validation", "rules") or []
    rows = [
        [
            _text(rule["rule"]),
            _name(rule["event"]),
            figures.number("validation", "rules", at, "statements"),
            _name(f"{rule['object']}:{rule['offset']}"),
        ]
        for at, rule in enumerate(rules)
    ]
    return _table(
        "validation", "Statements that violate the specification", ["Rule", "Event", "Statements", "First one"], rows
    )
