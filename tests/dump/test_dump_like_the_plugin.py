"""Our command and the plugin's, on the same objects: equal rows, inside the LMS and outside it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.support.aspects import DAMAGED, DELETED
from tests.support.event_sinks import create_event_sink, dumped_rows

OBJECTS = ("user_profile", "external_id", "course_enrollment", "tag", "taxonomy", "object_tag", "course_overviews")


@dataclass
class Dumped:
    """Databases with dumps of the same objects."""

    by_plugin: str
    inside: str
    outside: str


@pytest.fixture(scope="module")
def dumped(aspects_site, clickhouse) -> Dumped:
    """Dump all objects except the two courses that make the plugin fail."""
    databases = Dumped(*(create_event_sink(clickhouse) for _ in range(3)))
    arguments = [*OBJECTS, "--", DELETED, DAMAGED]
    done = [
        aspects_site.inside("plugin", databases.by_plugin, *arguments),
        aspects_site.inside("ours", databases.inside, *arguments),
        aspects_site.outside(databases.outside, *arguments),
    ]
    for each in done:
        assert each.codes == dict.fromkeys(OBJECTS, 0), each.process.stderr
    return databases


@pytest.mark.parametrize("table", [*OBJECTS, "course_blocks"])
def test_rows_dumped_inside_the_lms_equal_the_plugin_s(dumped, clickhouse, table):
    expected = dumped_rows(clickhouse, f"{dumped.by_plugin}.{table}")
    assert expected
    assert dumped_rows(clickhouse, f"{dumped.inside}.{table}") == expected


@pytest.mark.parametrize("table", OBJECTS)
def test_rows_dumped_outside_the_lms_equal_the_plugin_s(dumped, clickhouse, table):
    assert dumped_rows(clickhouse, f"{dumped.outside}.{table}") == dumped_rows(
        clickhouse, f"{dumped.by_plugin}.{table}"
    )


@pytest.mark.parametrize("database", ["by_plugin", "inside", "outside"])
def test_dump_ids_differ_by_row_and_blocks_share_the_course_s(dumped, clickhouse, database):
    name = getattr(dumped, database)
    times = clickhouse.rows(f"SELECT DISTINCT length(time_last_dumped) n FROM {name}.user_profile")
    assert times == [{"n": len("2026-11-21 18:00:00.123456+00:00")}]
    [ids] = clickhouse.rows(f"SELECT uniqExact(dump_id) n, count() m FROM {name}.user_profile")
    assert ids["n"] == ids["m"]
    blocks, courses = (
        clickhouse.rows(f"SELECT DISTINCT course_key, dump_id FROM {name}.{table} ORDER BY ALL")
        for table in ("course_blocks", "course_overviews")
    )
    assert blocks == courses or database == "outside"


def test_unchanged_courses_are_skipped(dumped, clickhouse, aspects_site):
    courses = {name: dumped_rows(clickhouse, f"{name}.course_overviews") for name in (dumped.inside, dumped.outside)}
    ours = aspects_site.inside("ours", dumped.inside, "course_overviews", "--", DELETED, DAMAGED)
    outside = aspects_site.outside(dumped.outside, "course_overviews", "--", DELETED, DAMAGED)
    assert (ours.codes, outside.codes) == ({"course_overviews": 0}, {"course_overviews": 0})
    assert {name: dumped_rows(clickhouse, f"{name}.course_overviews") for name in courses} == courses


def test_damaged_course_fails_alone_and_is_not_quoted(aspects_site, clickhouse, event_sink):
    done = aspects_site.inside("ours", event_sink, "course_overviews")
    assert done.codes == {"course_overviews": 1}
    courses = {row["course_key"] for row in dumped_rows(clickhouse, f"{event_sink}.course_overviews")}
    assert len(courses) == 5
    assert DAMAGED not in courses
    assert DAMAGED in done.process.stderr
    assert "must not be logged" not in done.process.stderr


def test_deleted_course_gives_an_overview_without_blocks(aspects_site, clickhouse, event_sink):
    aspects_site.inside("ours", event_sink, "course_overviews", "--", DAMAGED)
    assert DELETED in {row["course_key"] for row in dumped_rows(clickhouse, f"{event_sink}.course_overviews")}
    assert DELETED not in {row["course_key"] for row in dumped_rows(clickhouse, f"{event_sink}.course_blocks")}


def test_disabled_object_is_not_dumped(aspects_site, clickhouse, event_sink):
    done = aspects_site.inside("ours", event_sink, "user_profile", DISABLED="user_profile external_id")
    assert done.codes == {"user_profile": 0}
    assert "disabled" in done.process.stderr
    assert dumped_rows(clickhouse, f"{event_sink}.user_profile") == []


def test_dump_inside_an_lms_works_without_the_plugin(aspects_site, dumped, clickhouse, event_sink):
    done = aspects_site.inside("ours", event_sink, *OBJECTS, "--", DELETED, DAMAGED, WITHOUT_PLUGIN="yes")
    assert done.codes == dict.fromkeys(OBJECTS, 0), done.process.stderr
    assert "course_blocks are not dumped" in done.process.stderr
    for table in OBJECTS:
        assert dumped_rows(clickhouse, f"{event_sink}.{table}") == dumped_rows(
            clickhouse, f"{dumped.by_plugin}.{table}"
        )


def test_dump_never_deletes_users(aspects_site, dumped, clickhouse):
    """The plugin's command accepts ``--object auth_user``, and then deletes all users from its tables."""
    before = dumped_rows(clickhouse, f"{dumped.inside}.user_profile")
    done = aspects_site.inside("ours", dumped.inside, "auth_user", "no_object")
    assert done.codes == {"auth_user": 2, "no_object": 2}
    assert dumped_rows(clickhouse, f"{dumped.inside}.user_profile") == before


def test_options_of_the_plugin_have_the_same_defaults(aspects_site):
    options = json.loads(aspects_site.run("describe.py"))["options"]
    ours, theirs = options["log_replay"], options["platform_plugin_aspects"]
    # The plugin's default of 1 second is our 1.0.
    same_default = {"1.0": "1"}
    described = {
        name: [nargs, same_default.get(default, default), kind] for name, (nargs, default, kind) in ours.items()
    }
    assert {name: described.get(name) for name in theirs} == theirs


def test_first_installed_app_owns_the_shared_command_name(aspects_site):
    first, second = (json.loads(aspects_site.run("describe.py", PLUGIN_FIRST=value))["commands"] for value in ("", "1"))
    assert first == {"dump_data_to_clickhouse": "log_replay", "dump_lms_to_clickhouse": "log_replay"}
    assert second == {"dump_data_to_clickhouse": "platform_plugin_aspects", "dump_lms_to_clickhouse": "log_replay"}
