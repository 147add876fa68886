"""The part of a report that the ledger stores for the whole run. The rest is stored by unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from log_replay.counters import RouteCounters, ValidationCounts
from log_replay.records import Position
from log_replay.report import add_names
from log_replay.statement_log.line_limits import MAX_POSITIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from log_replay.report import Report

COUNTERS = (
    "refusals", "statements_by_event", "rejects_by_reason", "unknown_names", "transform_paths", "unsupported_shapes",
)  # fmt: skip
NUMBERS = ("verified", "lost_by_loggers")


def stored_counts(report: Report) -> dict[str, Any]:
    """Return the part as JSON values."""
    counts: dict[str, Any] = {name: dict(getattr(report, name)) for name in COUNTERS}
    counts |= {name: getattr(report, name) for name in NUMBERS}
    counts["routes"] = {name: asdict(counters) for name, counters in report.routes.items()}
    counts["matched_filters"] = sorted(report.matched_filters)
    counts["failed_objects"] = report.failed_objects
    counts["differences"] = [[*position, name] for position, name in report.differences]
    if report.validation:
        counts["validation"] = report.validation.as_dict()
    if report.over_line_limit:
        counts["over_line_limit"] = report.over_line_limit.over
        counts["first_over_line_limit"] = [list(position) for position in report.over_line_limit.first]
    return counts


def restore_counts(report: Report, counts: Mapping[str, Any]) -> None:
    """Restore the part into a new report."""
    for name in COUNTERS:
        setattr(report, name, Counter(counts.get(name, {})))
    for name in NUMBERS:
        setattr(report, name, counts.get(name, 0))
    report.routes = {name: RouteCounters(**counters) for name, counters in counts.get("routes", {}).items()}
    report.matched_filters = set(counts.get("matched_filters", ()))
    report.failed_objects = dict(counts.get("failed_objects", {}))
    report.differences = [(Position(name, offset), event) for name, offset, event in counts.get("differences", [])]
    if counts.get("validation"):
        report.validation = ValidationCounts.from_dict(counts["validation"])
    if report.over_line_limit:
        report.over_line_limit.over = counts.get("over_line_limit", 0)
        report.over_line_limit.first = [Position(*place) for place in counts.get("first_over_line_limit", [])]


def merged_counts(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sum of the stored parts of several reports of one run."""
    counts: dict[str, Any] = {name: Counter() for name in COUNTERS} | dict.fromkeys(NUMBERS, 0)
    routes: dict[str, RouteCounters] = {}
    validation = ValidationCounts()
    counts |= {"matched_filters": set(), "failed_objects": {}, "differences": []}
    for part in parts:
        for name in COUNTERS:
            add_names(counts[name], part.get(name, {}))
        for name in NUMBERS:
            counts[name] += part.get(name, 0)
        for name, counters in part.get("routes", {}).items():
            unavailable = routes[name].unavailable if name in routes else None
            routes.setdefault(name, RouteCounters()).add(RouteCounters(**counters))
            routes[name].unavailable = counters.get("unavailable") or unavailable
        counts["matched_filters"] |= set(part.get("matched_filters", ()))
        counts["failed_objects"] |= part.get("failed_objects", {})
        counts["differences"] += part.get("differences", [])
        if "validation" in part:
            validation += ValidationCounts.from_dict(part["validation"])
            counts["validation"] = validation.as_dict()
        if "over_line_limit" in part:
            counts["over_line_limit"] = counts.get("over_line_limit", 0) + part["over_line_limit"]
            first = [*counts.get("first_over_line_limit", []), *part["first_over_line_limit"]]
            counts["first_over_line_limit"] = first[:MAX_POSITIONS]
    counts |= {name: dict(counts[name]) for name in COUNTERS}
    counts["matched_filters"] = sorted(counts["matched_filters"])
    counts["routes"] = {name: asdict(counters) for name, counters in routes.items()}
    return counts
