"""The bar charts of the HTML report: positions and sizes of the shapes, for the template to draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from log_replay.gaps.compare import Gap

#: With more times than this the bars become too thin, and with more names the chart too long.
_MAX_TIMES, _MAX_NAMES = 2000, 50
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 1000.0, 320.0, 70.0, 10.0, 40.0
_PLOT_HEIGHT = _HEIGHT - _TOP - _BOTTOM
_NAME_LEFT, _BAR_HEIGHT, _BAR_GAP = 330.0, 18.0, 6.0
_MAX_NAME_LENGTH = 48
_TICKS, _TIME_LABELS = 4, 8
_STEPS = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
_TIME_FORMATS = {"day": "%Y-%m-%d", "hour": "%m-%d %H:%M"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Bar(NamedTuple):
    """A rectangle; ``kind`` is its CSS class."""

    kind: str
    x: str
    y: str
    width: str
    height: str


class Label(NamedTuple):
    """A text; ``at_end`` if it ends at ``x``."""

    x: str
    y: str
    text: str
    at_end: bool = False


class GridLine(NamedTuple):
    """A horizontal line."""

    x1: str
    x2: str
    y: str


class BarGroup(NamedTuple):
    """The bars of one row, with a tooltip."""

    title: str
    bars: list[Bar]


@dataclass
class Chart:
    """The shapes of a chart. Coordinates are formatted here, because a template would format them for a locale."""

    height: str
    width: str = f"{_WIDTH:g}"
    grid: list[GridLine] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    groups: list[BarGroup] = field(default_factory=list)


class ChartRow(NamedTuple):
    """A row to draw: its name, and its numbers."""

    name: str
    gap: Gap


def time_chart(by: str, rows: Sequence[ChartRow], *, whole: bool) -> Chart:
    """Return a chart with a bar for each day or hour, at its position in time. It shows the last ``_MAX_TIMES``.

    Args:
        by: ``day`` or ``hour``.
        rows: the rows in the order of time.
        whole: whether to draw the statements that are only in the table.
    """
    step = _STEPS[by]
    timed = [(datetime.fromisoformat(row.name).replace(tzinfo=UTC), row) for row in rows]
    timed = [(moment, row) for moment, row in timed if (timed[-1][0] - moment) / step < _MAX_TIMES]
    begin, last = (timed[0][0], timed[-1][0]) if timed else (_EPOCH, _EPOCH)
    highest = max((_length(row.gap, whole=whole) for _, row in timed), default=0)
    highest = max(-(-highest // _TICKS), 1) * _TICKS
    steps = round((last - begin) / step) + 1
    step_width = (_WIDTH - _LEFT) / steps
    chart = Chart(f"{_HEIGHT:g}")
    _add_scale(chart, highest)
    for moment, row in timed:
        x, y = _LEFT + step_width * ((moment - begin) / step), _TOP + _PLOT_HEIGHT
        bars = []
        for kind, count in _parts(row.gap, whole=whole):
            height = _PLOT_HEIGHT * count / highest
            y -= height
            bars.append(_bar(kind, x, y, max(step_width * 0.85, 0.5), height))
        chart.groups.append(BarGroup(_title(row, whole=whole), bars))
    chart.labels += [
        Label(f"{_LEFT + step_width * number:.2f}", f"{_HEIGHT - 15}", f"{begin + number * step:{_TIME_FORMATS[by]}}")
        for number in range(0, steps, -(-steps // _TIME_LABELS))
    ]
    return chart


def name_chart(rows: Iterable[ChartRow], *, whole: bool) -> Chart:
    """Return a chart with a bar for each event or course. It shows the ``_MAX_NAMES`` with the most differences.

    Args:
        rows: the rows.
        whole: whether to draw the statements that are only in the table.
    """
    shown = sorted(rows, key=_differences, reverse=True)[:_MAX_NAMES]
    longest = max((_length(row.gap, whole=whole) for row in shown), default=0) or 1
    chart = Chart(f"{max(len(shown), 1) * (_BAR_HEIGHT + _BAR_GAP):g}")
    for number, row in enumerate(shown):
        x, y = _NAME_LEFT, number * (_BAR_HEIGHT + _BAR_GAP)
        bars = []
        for kind, count in _parts(row.gap, whole=whole):
            width = (_WIDTH - _NAME_LEFT) * count / longest
            bars.append(_bar(kind, x, y, width, _BAR_HEIGHT))
            x += width
        is_short = len(row.name) <= _MAX_NAME_LENGTH
        text = row.name if is_short else row.name[: _MAX_NAME_LENGTH - 1] + "…"
        chart.labels.append(Label(f"{_NAME_LEFT - 8}", f"{y + 13}", text, at_end=True))
        chart.groups.append(BarGroup(_title(row, whole=whole), bars))
    return chart


def _differences(row: ChartRow) -> tuple[int, int, int]:
    return row.gap.missing, row.gap.only_in_table, row.gap.logs


def _add_scale(chart: Chart, highest: int) -> None:
    for tick in range(_TICKS + 1):
        y = _TOP + _PLOT_HEIGHT * (1 - tick / _TICKS)
        chart.grid.append(GridLine(f"{_LEFT}", f"{_WIDTH}", f"{y:.2f}"))
        chart.labels.append(Label(f"{_LEFT - 8}", f"{y + 4:.2f}", f"{highest * tick // _TICKS:,}", at_end=True))


def _parts(gap: Gap, *, whole: bool) -> list[tuple[str, int]]:
    """Return the CSS class and the length of each part of a bar."""
    return [("present", gap.present), ("missing", gap.missing), *([("only", gap.only_in_table)] if whole else [])]


def _length(gap: Gap, *, whole: bool) -> int:
    return sum(count for _, count in _parts(gap, whole=whole))


def _title(row: ChartRow, *, whole: bool) -> str:
    only = f", {row.gap.only_in_table:,} only in the table" if whole else ""
    return f"{row.name}: {row.gap.present:,} present, {row.gap.missing:,} missing{only}"


def _bar(kind: str, x: float, y: float, width: float, height: float) -> Bar:
    return Bar(kind, f"{x:.2f}", f"{y:.2f}", f"{width:.2f}", f"{height:.2f}")
