"""Render the page from the document of the report."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.template import Context, Engine
from django.utils.html import json_script
from django.utils.safestring import mark_safe

from log_replay.inspect.page.charts import name_chart, time_chart
from log_replay.inspect.page.figures import Figures, duration_text, percent, size_text, time_text
from log_replay.inspect.page.library import check_page_library, page_library
from log_replay.inspect.page.tables import (
    course_rows,
    event_rows,
    holes_table,
    named_table,
    objects_table,
    reject_rows,
    rejects_table,
    repeats_table,
    replay_table,
    validation_table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.inspect.page.examples import Example

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {}"
_TEMPLATES = Path(__file__).parent / "templates"

__all__ = ["check_page_library", "render_page"]


def render_page(document: Mapping[str, Any], examples: Sequence[Example] = ()) -> str:
    """Return the page.

    Args:
        document: the document of the report.
        examples: events and their statements to show, masked if they must be.
    """
    figures = Figures(document)
    style, script = (_TEMPLATES / "page.css").read_text("utf-8"), (_TEMPLATES / "page.js").read_text("utf-8")
    library = page_library()
    charts = _charts(figures)
    is_unclear = figures.value("contents", "holes", "looked_for") is False
    context = {
        "document": document,
        "source": _source(document["source"]),
        "is_caliper": document["transformer_type"] == "caliper",
        "figures": _key_figures(figures),
        "sample": _sample(figures),
        "charts": {chart["id"]: chart for chart in charts},
        "chart_data": json_script({chart["id"]: chart for chart in charts}, "charts"),
        "holes": holes_table(figures),
        "no_holes": "The sample is too small to tell." if is_unclear else "No day or hour is empty.",
        "repeats": repeats_table(figures),
        "events": named_table("events", "Statements by event", "Event", event_rows(figures), figures),
        "verbs": named_table("verbs", "Statements by verb", "Verb", _verb_rows(figures), figures),
        "courses": named_table("courses", "Statements by course", "Course", course_rows(figures), figures),
        "unknown": named_table("unknown", "Events without statements", "Event", _unknown_rows(figures), None),
        "rejects": rejects_table(figures),
        "validation": validation_table(figures),
        "invalid": figures.number("validation", "invalid"),
        "checked": figures.number("validation", "checked"),
        "objects": objects_table(figures),
        "replay": replay_table(figures),
        "limits": _limits(figures),
        "examples": [example.as_context() for example in examples],
        "next": figures.value("next", "replay"),
        # The page runs these two scripts only, whatever the logs contain, and loads nothing.
        "policy": _POLICY.format(_hashes(library, script)),
        "style": mark_safe(style),  # noqa: S308 - our own files
        "script": mark_safe(script),  # noqa: S308
        "library": mark_safe(library),  # noqa: S308
    }
    # An engine of our own, because the project's settings may configure none.
    template = Engine(dirs=[str(_TEMPLATES)], autoescape=True).get_template("page.html")
    return template.render(Context(context))


def _hashes(*scripts: str) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _source(source: Mapping[str, Any]) -> str:
    """Return the place of the logs as people write it."""
    given = {key: value for key, value in source.items() if value not in (None, "") and key != "provider"}
    if source["provider"] == "LOCAL" and "container" in given:
        parts = [given.pop("key", ""), given.pop("container"), given.pop("prefix", "")]
        return "/".join(str(part).rstrip("/") for part in parts if part)
    if source["provider"] == "PATHS":
        paths = source["paths"]
        return paths if isinstance(paths, str) else ", ".join(map(str, paths))
    if source["provider"] == "STDIN":
        return "standard input"
    place = "/".join(str(given.pop(key)) for key in ("container", "prefix") if key in given)
    return f"{source['provider'].lower()}://{place}"


def _charts(figures: Figures) -> list[dict[str, Any]]:
    charts = [
        time_chart(figures),
        name_chart("events", "Statements by event", "statements", event_rows(figures)),
        name_chart("rejects", "Rejected lines by reason", "rejects", reject_rows(figures), "bar-bad"),
        name_chart("courses", "Statements by course", "statements", course_rows(figures)),
    ]
    return [chart for chart in charts if chart]


def _key_figures(figures: Figures) -> list[dict[str, str]]:
    """Return the figures at the top of the page."""
    lines, statements = figures.number("contents", "lines"), figures.number("statements", "count")
    rejects, users = figures.number("rejects", "count"), figures.number("statements", "users")
    courses, objects = figures.number("statements", "courses"), figures.number("contents", "objects")
    stored, whole = figures.value("contents", "stored_bytes"), figures.value("contents", "bytes")
    known = figures.number("contents", "known_lines")
    share = percent(figures.value("rejects", "share_of_events")).text
    is_about = bool(figures.value("sample"))
    return [
        _figure("Lines", lines.text, lines.interval or f"{known.text} with a known event"),
        _figure("Statements", statements.text, statements.interval or size_text(figures.value("statements", "bytes"))),
        _figure("Rejected", rejects.text, rejects.interval or f"{share} of the events"),
        _figure("Users", users.text, users.interval or "with statements"),
        _figure("Courses", courses.text, courses.interval or "with statements"),
        _figure(
            "Objects", objects.text, f"{size_text(stored)} stored" + ("" if is_about else f", {size_text(whole)} read")
        ),
    ]


def _figure(label: str, text: str, note: str) -> dict[str, str]:
    size = "longest" if len(text) > len("999,999,999") else "long" if len(text) > len("999,999") else ""
    return {"label": label, "text": text, "note": note, "size": size}


def _sample(figures: Figures) -> dict[str, str] | None:
    """Return the texts about the sample, or None if every line was read."""
    sample = figures.value("sample")
    if not sample:
        return None
    return {
        "read": size_text(sample["read_bytes"]),
        "share": percent(sample["share"]).text,
        "blocks": f"{sample['blocks']:,}",
        "objects": f"{sample['sampled_objects']:,} of {sample['objects']:,}",
        "compressed": _compressed(sample["compressed_objects"]) if sample["compressed_share"] < 1 else "",
        "compressed_share": percent(sample["compressed_share"]).text,
    }


def _compressed(count: int) -> str:
    return "the compressed object" if count == 1 else f"{count:,} compressed objects" if count else ""


def _verb_rows(figures: Figures) -> list[tuple[str, Any]]:
    found = figures.value("statements", "by_verb") or {}
    return [(verb.rpartition("/")[2] or verb, figures.number("statements", "by_verb", verb)) for verb in found]


def _unknown_rows(figures: Figures) -> list[tuple[str, Any]]:
    found = figures.value("contents", "unknown_events") or {}
    return [(name, figures.number("contents", "unknown_events", name)) for name in found]


def _limits(figures: Figures) -> dict[str, str]:
    limits = figures.value("statements", "line_limits") or {}
    over = {
        transport: figures.number("statements", "line_limits", transport, "statements_over").text
        for transport, limit in limits.items()
        if limit["statements_over"]
    }
    clickhouse = figures.value("statements", "clickhouse") or {}
    measured = figures.value("duration", "measured") or {}
    first, last = figures.value("contents", "first_event"), figures.value("contents", "last_event")
    return {
        "over": ", ".join(f"{transport}: {text} statements" for transport, text in over.items()),
        "rows": figures.number("statements", "clickhouse", "rows").text,
        "stored": size_text(clickhouse.get("estimated_stored_bytes")),
        "took": duration_text(measured.get("wall_seconds") or 0.0),
        "speed": f"{measured.get('lines_per_second') or 0:,.0f}",
        "first": time_text(first),
        "last": time_text(last),
    }
