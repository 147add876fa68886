"""The part of the report on what is in the logs: objects, lines, times, holes and repeats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from log_replay.inspect.hours import DAY_HOURS, holes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from log_replay.inspect.hours import HourCounts
    from log_replay.inspect.profile import Profile
    from log_replay.inspect.repeats import Repeat
    from log_replay.report import Report

#: The number of objects that the document lists.
LISTED_OBJECTS = 10_000
#: The number of repeats that the document lists.
LISTED_REPEATS = 1_000


def contents(profile: Profile, report: Report) -> dict[str, Any]:
    """Return the part as JSON values."""
    counters = profile.counters
    repeats = list(profile.sample.repeats(profile.objects))
    return {
        "objects": len(profile.objects) + profile.more_objects,
        "skipped_objects": {skipped.name: skipped.reason for skipped in report.skipped},
        "skipped_objects_not_listed": report.more_skipped,
        "failed_objects": report.failed_objects,
        "stored_bytes": profile.stored_bytes,
        "bytes": profile.size_bytes,
        "lines": counters.lines,
        "blank_lines": counters.blank,
        "unparsable_lines": counters.unparsable,
        "unknown_lines": counters.unknown,
        "filtered_lines": counters.filtered,
        "known_lines": counters.known,
        "lines_without_time": profile.untimed_lines,
        "first_event": moment(profile.first),
        "last_event": moment(profile.last),
        "by_hour": None if profile.lines_by_hour.step > 1 else _series(profile, 1),
        "by_day": _series(profile, DAY_HOURS),
        "holes": _holes(profile.lines_by_hour),
        "repeated_lines": sum(repeat.lines for repeat in repeats),
        "repeats": [_repeat(repeat, profile) for repeat in repeats[:LISTED_REPEATS]],
        "repeats_not_listed": max(0, len(repeats) - LISTED_REPEATS),
        "unknown_events": profile.unknown_names.counts(),
        "object_list": [
            {
                "name": found.name,
                "stored_bytes": found.stored_bytes,
                "bytes": found.size_bytes,
                "lines": found.lines,
                "statements": found.statements,
                "rejects": found.rejects,
                "first_event": moment(found.first),
                "last_event": moment(found.last),
            }
            for found in profile.objects[:LISTED_OBJECTS]
        ],
        "objects_not_listed": max(0, len(profile.objects) - LISTED_OBJECTS) + profile.more_objects,
    }


def moment(microseconds: int) -> str | None:
    """Return a time as ``2026-03-02T08:15:27.123456Z``, or None if there is none."""
    if microseconds < 0:
        return None
    return _utc(microseconds // 1_000_000).replace(microsecond=microseconds % 1_000_000).isoformat()[:-6] + "Z"


def hour(number: int) -> str:
    """Return the beginning of an hour, given in hours since 1970, as ``2026-03-02T08:00:00Z``."""
    return _utc(number * 3600).isoformat()[:-6] + "Z"


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _series(profile: Profile, step: int) -> dict[str, Any]:
    """Return the numbers of lines and statements by time, as columns, without times that have neither."""
    lines, statements = profile.lines_by_hour.by(step), profile.statements_by_hour.by(step)
    times = sorted({*lines, *statements})
    return {
        "step_hours": step,
        "time": [hour(time) for time in times],
        "lines": _column(times, lines),
        "statements": _column(times, statements),
    }


def _column(times: Iterable[int], counts: dict[int, int]) -> list[int]:
    return [counts.get(time, 0) for time in times]


def _holes(lines: HourCounts) -> dict[str, Any]:
    step, found = holes(lines)
    return {
        "step_hours": step,
        "hours": sum(hole.end - hole.begin for hole in found),
        "list": [{"begin": hour(hole.begin), "end": hour(hole.end), "hours": hole.end - hole.begin} for hole in found],
    }


def _repeat(repeat: Repeat, profile: Profile) -> dict[str, Any]:
    found = profile.objects[repeat.object]
    return {
        "object": found.name,
        "of": profile.objects[repeat.of].name,
        "whole": repeat.whole,
        "exact": repeat.whole or profile.sample.level == 0,
        "lines": repeat.lines,
        "share": share(repeat.lines, found.lines),
        "first_event": moment(repeat.first),
        "last_event": moment(repeat.last),
    }


def share(part: int, whole: int) -> float:
    """Return a share between 0 and 1."""
    return round(min(part / whole, 1.0), 6) if whole else 0.0
