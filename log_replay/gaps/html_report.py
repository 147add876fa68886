"""Render gaps as an HTML report: one file without scripts, fonts or images from other places, so it opens offline."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.template import Context, Engine

from log_replay import __version__
from log_replay.gaps.charts import Chart, ChartRow, name_chart, time_chart
from log_replay.gaps.gap_table import shown_columns, shown_key, shown_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.gaps.compare import Gaps

_TEMPLATES = Path(__file__).parent / "templates"


def html_report(gaps: Gaps) -> str:
    """Return the report."""
    rows = [ChartRow(shown_key(gaps, key), gap) for key, gap in gaps.rows.items()]
    columns = shown_columns(gaps)
    legend = [("present", "present"), ("missing", "missing"), ("only", "only in the table")]
    context = {
        "by": gaps.by,
        "place": gaps.place,
        "columns": columns,
        "totals": zip(columns, shown_numbers(gaps, gaps.total), strict=True),
        "legend": legend if gaps.whole else legend[:2],
        "chart": _chart(gaps, rows),
        "rows": [
            {"name": row.name, "numbers": shown_numbers(gaps, row.gap), "is_gap": row.gap.missing > 0} for row in rows
        ],
        "version": __version__,
        "now": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
    }
    # An engine of our own, because the project's settings may configure none.
    template = Engine(dirs=[str(_TEMPLATES)], autoescape=True).get_template("gaps.html")
    return template.render(Context(context))


def _chart(gaps: Gaps, rows: Sequence[ChartRow]) -> Chart:
    if gaps.by in {"day", "hour"}:
        return time_chart(gaps.by, rows, whole=gaps.whole)
    return name_chart(rows, whole=gaps.whole)
