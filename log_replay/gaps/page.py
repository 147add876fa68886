"""Gaps as a page: one file without scripts, fonts or pictures from elsewhere, so that it opens offline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING

from log_replay import __version__
from log_replay.gaps.show import shown_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from log_replay.gaps.compare import Gap, Gaps

#: More rows than this make the bars of times too thin, and the list of names too long, to be of use.
_MOST_TIMES, _MOST_NAMES = 2000, 50
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 1000.0, 320.0, 70.0, 10.0, 40.0
_NAME_LEFT, _BAR, _BAR_GAP = 330.0, 18.0, 6.0
_TICKS, _TIME_LABELS = 4, 8
_UNITS = {"day": timedelta(days=1), "hour": timedelta(hours=1)}
_LABELS = {"day": "%Y-%m-%d", "hour": "%m-%d %H:%M"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Replay gaps by {by}</title>
<style>
:root {{ color-scheme: light dark; --present: #2e7d5b; --missing: #c62828; --only: #f9a825; --line: #8885; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; margin: 0; }} h2 {{ font-size: 1.05rem; margin: 2rem 0 .5rem; }} p {{ margin: .2rem 0; }}
.totals {{ display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.5rem 0; padding: 0; list-style: none; }}
.totals li {{ border: 1px solid var(--line); border-radius: 8px; padding: .6rem 1rem; min-width: 9rem; }}
.totals b {{ display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }}
svg {{ width: 100%; height: auto; }} svg text {{ fill: currentColor; font-size: 12px; }}
.present {{ fill: var(--present); }} .missing {{ fill: var(--missing); }} .only {{ fill: var(--only); }}
.axis {{ stroke: var(--line); }} .key {{ display: inline-block; width: .8em; height: .8em; border-radius: 2px; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }}
th:first-child, td:first-child {{ text-align: left; overflow-wrap: anywhere; }}
tr.gap td:nth-child(4) {{ color: var(--missing); font-weight: 600; }} footer {{ margin: 2rem 0; opacity: .7; }}
</style>
</head>
<body>
<h1>Statements of the logs and of the table</h1>
<p>{place}</p>
<ul class="totals">{totals}</ul>
<h2>By {by}</h2>
<p>{legend}</p>
{chart}
<h2>Numbers</h2>
<table>
<thead><tr><th>{by}</th>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
<footer>Log Replay {version}, {now}. Times are in UTC.</footer>
</body>
</html>
"""


def page(gaps: Gaps) -> str:
    """Return the page."""
    names = [shown_name(gaps, key) for key in gaps.rows]
    pairs = list(zip(names, gaps.rows.values(), strict=True))
    columns = ["in the logs", "present", "missing", *(["only in the table"] if gaps.whole else [])]
    numbers = [_numbers(gaps, gap) for _, gap in pairs]
    return _PAGE.format(
        by=gaps.by,
        place=escape(f"Compared with {gaps.place}"),
        totals="".join(
            f"<li>{name}<b>{count:,}</b></li>" for name, count in zip(columns, _numbers(gaps, gaps.total), strict=True)
        ),
        legend="&emsp;".join(_legend(gaps)),
        chart=_times(gaps, pairs) if gaps.by in {"day", "hour"} else _names(gaps, pairs),
        heads="".join(f"<th>{name}</th>" for name in columns),
        rows="\n".join(_row(name, counts, gap) for (name, gap), counts in zip(pairs, numbers, strict=True)),
        version=escape(__version__),
        now=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    )


def _numbers(gaps: Gaps, gap: Gap) -> list[int]:
    return [gap.logs, gap.present, gap.missing, *([gap.only_in_table] if gaps.whole else [])]


def _legend(gaps: Gaps) -> Iterator[str]:
    shown = {"present": "present", "missing": "missing", "only": "only in the table"}
    for kind, name in shown.items():
        if kind != "only" or gaps.whole:
            yield f'<span class="key" style="background: var(--{kind})"></span> {name}'


def _row(name: str, counts: Sequence[int], gap: Gap) -> str:
    cells = "".join(f"<td>{count:,}</td>" for count in counts)
    attribute = ' class="gap"' if gap.missing else ""
    return f"<tr{attribute}><td>{escape(name)}</td>{cells}</tr>"


def _parts(gaps: Gaps, gap: Gap) -> list[tuple[str, int]]:
    return [("present", gap.present), ("missing", gap.missing), *([("only", gap.only_in_table)] if gaps.whole else [])]


def _title(gaps: Gaps, name: str, gap: Gap) -> str:
    only = f", {gap.only_in_table:,} only in the table" if gaps.whole else ""
    return f"<title>{escape(name)}: {gap.present:,} present, {gap.missing:,} missing{only}</title>"


def _times(gaps: Gaps, pairs: Sequence[tuple[str, Gap]]) -> str:
    """Draw a bar for each day or hour, at its place in time; the last ones if there are too many."""
    unit = _UNITS[gaps.by]
    shown = [(datetime.fromisoformat(name).replace(tzinfo=UTC), name, gap) for name, gap in pairs]
    shown = [each for each in shown if (shown[-1][0] - each[0]) / unit < _MOST_TIMES]
    begin, last = (shown[0][0], shown[-1][0]) if shown else (_EPOCH, _EPOCH)
    most = max((sum(count for _, count in _parts(gaps, gap)) for *_, gap in shown), default=0)
    most = max(-(-most // _TICKS), 1) * _TICKS
    units = round((last - begin) / unit) + 1
    step, height = (_WIDTH - _LEFT) / units, _HEIGHT - _TOP - _BOTTOM
    drawn = [_scale(most, height)]
    for moment, name, gap in shown:
        left, base = _LEFT + step * ((moment - begin) / unit), _TOP + height
        bars = []
        for kind, count in _parts(gaps, gap):
            size = height * count / most
            base -= size
            bars.append(_bar(kind, left, base, max(step * 0.85, 0.5), size))
        drawn.append(f"<g>{_title(gaps, name, gap)}{''.join(bars)}</g>")
    drawn += [
        f'<text x="{_LEFT + step * number:.2f}" y="{_HEIGHT - 15}">{begin + number * unit:{_LABELS[gaps.by]}}</text>'
        for number in range(0, units, -(-units // _TIME_LABELS))
    ]
    return _svg(_HEIGHT, drawn)


def _scale(most: int, height: float) -> str:
    lines = []
    for tick in range(_TICKS + 1):
        y = _TOP + height * (1 - tick / _TICKS)
        lines.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.2f}" y2="{y:.2f}"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 4:.2f}" text-anchor="end">{most * tick // _TICKS:,}</text>')
    return "".join(lines)


def _names(gaps: Gaps, pairs: Sequence[tuple[str, Gap]]) -> str:
    """Draw a bar for each event or course, those that miss most first."""
    shown = sorted(pairs, key=lambda pair: (-pair[1].missing, -pair[1].only_in_table, -pair[1].logs))[:_MOST_NAMES]
    most = max((sum(count for _, count in _parts(gaps, gap)) for _, gap in shown), default=0) or 1
    drawn = []
    for number, (name, gap) in enumerate(shown):
        top, left = number * (_BAR + _BAR_GAP), _NAME_LEFT
        bars = []
        for kind, count in _parts(gaps, gap):
            size = (_WIDTH - _NAME_LEFT) * count / most
            bars.append(_bar(kind, left, top, size, _BAR))
            left += size
        label = name if len(name) <= 48 else name[:47] + "…"  # noqa: PLR2004 - what fits beside the bars
        text = f'<text x="{_NAME_LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(label)}</text>'
        drawn.append(f"<g>{_title(gaps, name, gap)}{text}{''.join(bars)}</g>")
    return _svg(max(len(shown), 1) * (_BAR + _BAR_GAP), drawn)


def _bar(kind: str, left: float, top: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{left:.2f}" y="{top:.2f}" width="{width:.2f}" height="{height:.2f}"/>'


def _svg(height: float, drawn: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img">\n' + "\n".join(drawn) + "\n</svg>"
