"""The parts of the report on statements, rejects and identities: what would come out, and what would not."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from log_replay.block_profile import IDENTITY_REASONS
from log_replay.inspect.contents import share
from log_replay.report.reasons import reason_text
from log_replay.statement_log.line_limits import LINE_LIMITS

if TYPE_CHECKING:
    from log_replay.inspect.profile import Profile, RejectProfile
    from log_replay.records import Position

#: ClickHouse stores an id in 16 bytes and a time in 8, beside the text.
_ROW_BYTES = 16 + 8
#: The share of these bytes that ClickHouse needs on its disk, measured with 32,000 statements of the mix ``site``.
STORED_SHARE = 0.16
_ORG = re.compile(r"(?:[a-z0-9-]+:)?([^+/]+)")


def statements(profile: Profile) -> dict[str, Any]:
    """Return what would come out as JSON values."""
    count, by_course = profile.counters.statements, profile.statements_by_course.counts()
    rows = count - profile.untimed_statements
    rows_bytes = profile.statement_bytes + _ROW_BYTES * rows
    return {
        "count": count,
        "events": profile.counters.transformed,
        "bytes": profile.statement_bytes,
        "longest_bytes": profile.longest_statement_bytes,
        "without_time": profile.untimed_statements,
        "by_event": profile.statements_by_event.counts(),
        "by_verb": profile.statements_by_verb.counts(),
        "by_course": {name: number for name, number in by_course.items() if name},
        "by_org": _by_org(by_course),
        "without_course": by_course.get("", 0),
        "courses": sum(bool(name) for name in by_course),
        "users": profile.users.count(),
        "users_exact": profile.users.is_exact,
        "users_interval": list(profile.users.interval()),
        "events_by_transform_path": dict(sorted(profile.transform_paths.items(), key=lambda item: (-item[1], item[0]))),
        "line_limits": {
            transport: {
                "max_line_bytes": limit,
                "statements_over": profile.over_limits[transport].count,
                "first": place(profile.over_limits[transport].first),
            }
            for transport, limit in LINE_LIMITS.items()
        },
        "clickhouse": {
            "rows": rows,
            "bytes": rows_bytes,
            "estimated_stored_bytes": round(rows_bytes * STORED_SHARE),
        },
    }


def rejects(profile: Profile) -> dict[str, Any]:
    """Return what would not come out as JSON values, the most frequent reason first."""
    found = sorted(profile.rejects.items(), key=lambda item: (-item[1].count, item[0]))
    count = sum(rejects.count for _, rejects in found)
    events = profile.counters.known + profile.counters.unparsable
    return {
        "count": count,
        "share_of_events": share(count, events),
        "reasons": [_reason(reason, rejects, events) for reason, rejects in found],
    }


def identities(profile: Profile) -> dict[str, Any]:
    """Return the users and courses that events were rejected for as JSON values, by reason."""
    rejected = {reason: profile.rejects[reason].count for reason in IDENTITY_REASONS if reason in profile.rejects}
    return {
        reason: {
            "distinct": profile.missing[reason].count(),
            "exact": profile.missing[reason].is_exact,
            "rejected_events": rejected.get(reason, 0),
            "share_of_events": share(rejected.get(reason, 0), profile.counters.known),
        }
        for reason in IDENTITY_REASONS
    }


def place(position: Position | None) -> dict[str, Any] | None:
    """Return a position as JSON values."""
    return position._asdict() if position else None


def _by_org(by_course: dict[str, int]) -> dict[str, int]:
    orgs: Counter[str] = Counter()
    for course, number in by_course.items():
        if course:
            found = _ORG.match(course)
            orgs[found[1] if found else course] += number
    return dict(sorted(orgs.items(), key=lambda item: (-item[1], item[0])))


def _reason(reason: str, rejects: RejectProfile, events: int) -> dict[str, Any]:
    text = reason_text(reason)
    return {
        "reason": reason,
        "count": rejects.count,
        "share_of_events": share(rejects.count, events),
        "meaning": text.meaning,
        "cause": text.cause,
        "next_step": text.next_step,
        "by_event": rejects.events.counts(),
        "by_detail": rejects.details.counts(),
        "first": place(rejects.first),
    }
