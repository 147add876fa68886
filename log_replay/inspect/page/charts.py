"""The charts of the page, as specifications of Vega-Lite, and the texts of their points for the keyboard."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.inspect.page.figures import Cell, Figures

#: The number of bars of a chart by name. The table below it has all names.
BARS = 15
#: Up to this number of days, the chart of time has hours.
_FEW_DAYS = 4
_DAY_HOURS = 24


def time_chart(figures: Figures) -> dict[str, Any] | None:
    """Return the chart of lines and statements by day or hour, with the holes."""
    by_day, by_hour = figures.value("contents", "by_day") or {}, figures.value("contents", "by_hour")
    is_hourly = by_hour is not None and len(by_day.get("time", [])) <= _FEW_DAYS
    key = "by_hour" if is_hourly else "by_day"
    series = figures.value("contents", key) or {}
    times = series.get("time", [])
    if not times:
        return None
    step = timedelta(hours=1 if is_hourly else _DAY_HOURS)
    rows = []
    for place, time in enumerate(times):
        begin = datetime.fromisoformat(time)
        row = {"index": place, "begin": _iso(begin), "end": _iso(begin + step), "label": _label(begin, is_hourly)}
        for name in ("lines", "statements"):
            cell = figures.number("contents", key, name, place)
            row |= {name: cell.value, f"{name}_text": _with_interval(cell)}
        rows.append(row)
    unit = "hour" if is_hourly else "day"
    return {
        "id": "time",
        "label": f"Lines and statements by {unit} (UTC)",
        "points": [f"{row['label']}: {row['lines_text']} lines, {row['statements_text']} statements" for row in rows],
        "spec": _time_spec(rows, _hole_rows(figures), unit),
    }


def name_chart(
    chart: str, label: str, unit: str, rows: Sequence[tuple[str, Cell]], colour: str = "bar"
) -> dict[str, Any] | None:
    """Return a chart with a bar for each of the largest names.

    Args:
        chart: the id of the chart.
        label: what the chart shows.
        unit: what is counted.
        rows: the names and their numbers, the largest first.
        colour: the name of a colour of the page.
    """
    if not rows:
        return None
    shown = [
        {"index": place, "name": name, "count": cell.value, "text": _with_interval(cell)}
        for place, (name, cell) in enumerate(rows[:BARS])
    ]
    return {
        "id": chart,
        "label": label + (f", the {BARS} largest of {len(rows):,}" if len(rows) > BARS else ""),
        "points": [f"{row['name']}: {row['text']} {unit}" for row in shown],
        "spec": _name_spec(shown, unit, colour),
    }


def _with_interval(cell: Cell) -> str:
    return f"{cell.text} ({cell.interval})" if cell.interval else cell.text


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _label(moment: datetime, is_hourly: bool) -> str:  # noqa: FBT001 - a format
    return moment.strftime("%Y-%m-%d %H:%M" if is_hourly else "%a %Y-%m-%d")


def _hole_rows(figures: Figures) -> list[dict[str, Any]]:
    holes = figures.value("contents", "holes", "list") or []
    return [{"begin": hole["begin"], "end": hole["end"], "text": f"{hole['hours']:,} hours"} for hole in holes]


def _time_spec(rows: list[dict[str, Any]], holes: list[dict[str, Any]], unit: str) -> dict[str, Any]:
    scale = {"type": "utc"}
    bars = {
        "data": {"values": rows},
        "encoding": {
            "x": {"field": "begin", "type": "temporal", "scale": scale, "axis": _TIME_AXIS[unit]},
            "x2": {"field": "end"},
            "tooltip": [
                {"field": "label", "title": unit.title()},
                {"field": "lines_text", "title": "Lines"},
                {"field": "statements_text", "title": "Statements"},
            ],
        },
    }
    parts = []
    for name, colour in (("lines", "var(--bar-pale)"), ("statements", "var(--bar)")):
        parts.append(
            {
                "mark": {"type": "rect", "fill": colour, "stroke": "var(--card)", "strokeWidth": 1, "aria": False},
                "encoding": {
                    "y": {"field": name, "type": "quantitative", "axis": {"title": None, "tickCount": 4}},
                    "y2": {"datum": 0},
                    "opacity": _focus(),
                },
            }
        )
    layers: list[dict[str, Any]] = [{**bars, "layer": parts}]
    if holes:
        layers.insert(
            0,
            {
                "data": {"values": holes},
                "mark": {"type": "rect", "fill": "var(--hole)", "aria": False},
                "encoding": {
                    "x": {"field": "begin", "type": "temporal", "scale": scale},
                    "x2": {"field": "end"},
                    "tooltip": [
                        {"field": "text", "title": "Hole"},
                        {"field": "begin", "title": "From"},
                        {"field": "end", "title": "To"},
                    ],
                },
            },
        )
    return {"width": "container", "height": 240, "params": [_CURSOR], "layer": layers}


def _name_spec(rows: list[dict[str, Any]], unit: str, colour: str) -> dict[str, Any]:
    y = {
        "field": "name",
        "type": "nominal",
        "sort": {"field": "index"},
        "axis": {"title": None, "ticks": False, "grid": False, "domain": False, "labelPadding": 6},
    }
    tooltip = [{"field": "name", "title": " "}, {"field": "text", "title": unit.title()}]
    return {
        "width": "container",
        "height": {"step": 24},
        "params": [_CURSOR],
        "data": {"values": rows},
        "mark": {
            "type": "bar",
            "fill": f"var(--{colour})",
            "cornerRadiusEnd": 3,
            "height": {"band": 0.72},
            "aria": False,
        },
        "encoding": {
            "y": y,
            "x": {"field": "count", "type": "quantitative", "axis": {"title": None, "tickCount": 4}},
            "tooltip": tooltip,
            "opacity": _focus(),
        },
    }


_TIME_AXIS = {
    unit: {
        "title": None,
        "grid": False,
        "format": form,
        "tickCount": {"expr": "max(2, width / 90)"},
        "tickMinStep": hours * 3_600_000,  # so that no label is repeated
    }
    for unit, form, hours in (("day", "%-d %b", 24), ("hour", "%-d %b %H:%M", 1))
}
#: The index of the point that the keyboard has selected.
_CURSOR = {"name": "cursor", "value": -1}


def _focus() -> dict[str, Any]:
    return {"condition": {"test": "cursor < 0 || datum.index == cursor", "value": 1}, "value": 0.3}
