"""Filters: by time, event name, course, organisation and user."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from log_replay.errors import ConfigurationError
from log_replay.events import read_events
from log_replay.events.filters import Filters, check_event_patterns, option_checks, read_time
from log_replay.events.prefilter import Prefilter
from log_replay.records import BlockResult, LineBlock

LINE = (
    b'{"name": "edx.video.played", "time": "2026-03-02T08:00:00+00:00", "username": "ada",'
    b' "context": {"user_id": 3, "course_id": "course-v1:ExampleX+ASTRO+2026", "org_id": "ExampleX"}, "event": {}}'
)
NAMES = frozenset({"edx.video.played"})


def read(filters: Filters, line: bytes):
    result = BlockResult("log", len(line))
    block = LineBlock("log", (line,), 0, len(line))
    return list(read_events(block, Prefilter(NAMES), filters, result)), result


def passes(filters: Filters, line: bytes = LINE):
    events, result = read(filters, line)
    assert result.counters.filtered + result.counters.known == 1
    return bool(events)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), True),
        (Filters(since=at("2026-03-02T08:00:00")), True),
        (Filters(since=at("2026-03-02T08:00:01")), False),
        (Filters(until=at("2026-03-02T08:00:00")), False),
        (Filters(until=at("2026-03-02T08:00:01")), True),
        (Filters(events=("edx.video.*",)), True),
        (Filters(events=("problem_check",)), False),
        (Filters(courses=("course-v1:ExampleX+*",)), True),
        (Filters(courses=("course-v1:Other+*",)), False),
        (Filters(orgs=("ExampleX",)), True),
        (Filters(orgs=("OtherX",)), False),
        (Filters(users=frozenset({"3"})), True),
        (Filters(users=frozenset({"ada"})), True),
        (Filters(users=frozenset({"4"})), False),
        (Filters(events=("edx.*",), orgs=("OtherX",)), False),
    ],
)
def test_an_event_must_match_all_filters(filters, expected):
    assert passes(filters) is expected


def test_a_missing_organisation_is_taken_from_the_course_id():
    line = LINE.replace(b', "org_id": "ExampleX"', b"")
    assert passes(Filters(orgs=("ExampleX",)), line)
    old_style = line.replace(b"course-v1:ExampleX+ASTRO+2026", b"OldX/ASTRO/2013")
    assert passes(Filters(orgs=("OldX",)), old_style)


def test_unreadable_time_is_rejected_if_a_period_is_given():
    line = LINE.replace(b"2026-03-02T08:00:00+00:00", b"yesterday")
    _, result = read(Filters(since=at("2026-01-01")), line)
    assert [reject.reason for reject in result.rejects] == ["unreadable_time"]


@pytest.mark.parametrize(
    "text", ["2026-03-02T08:00:00", "2026-03-02T08:00:00Z", "2026-03-02T09:00:00+01:00", "2026-03-02T08:00:00.000000"]
)
def test_times_without_a_zone_are_utc(text):
    assert read_time(text) == at("2026-03-02T08:00:00")


def test_a_pattern_without_a_known_event_is_wrong_usage():
    with pytest.raises(ConfigurationError, match="matches no event name"):
        check_event_patterns(["edx.vidoe.*"], NAMES)


def test_options_that_no_event_matches_are_found():
    filters = Filters(
        events=("edx.video.*", "edx.forum.*"),
        courses=("course-v1:ExampleX+*", "course-v1:Exmaple+*"),
        orgs=("ExampleX", "OtherX"),
        users=frozenset({"3", "4"}),
    )
    _, result = read(filters, LINE)
    assert set(option_checks(filters)) - result.matched_filters == {
        "--event edx.forum.*", "--course course-v1:Exmaple+*", "--org OtherX", "--user 4",
    }  # fmt: skip


def test_an_option_matches_also_if_other_filters_do_not():
    filters = Filters(until=at("2020-01-01"), courses=("course-v1:ExampleX+*",))
    events, result = read(filters, LINE)
    assert (events, result.matched_filters) == ([], {"--course course-v1:ExampleX+*"})
