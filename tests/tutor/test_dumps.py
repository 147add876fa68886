"""Dumps as the guide of Aspects has them: courses with Open edX's own code, users from the LMS's tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.support.aspects import DAMAGED, DELETED, SITE, AspectsSite, installed_plugin
from tests.support.event_sinks import create_event_sink
from tests.support.paths import ROOT
from tests.support.tutor_site import endurance, needs_kubectl

MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
assert sys.argv[1] == os.environ["SERVICE_VARIANT"] == "cms"
assert os.environ["DJANGO_SETTINGS_MODULE"].startswith("cms.envs.tutor.")
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
execute_from_command_line([sys.argv[0], *sys.argv[2:]])
"""


@pytest.fixture
def open_edx(site, clickhouse, tmp_path):
    """Give the site an Open edX with the real plugin, and Aspects' event sink."""
    python = installed_plugin()
    platform = tmp_path / "platform"
    platform.mkdir()
    (platform / "manage.py").write_text(MANAGE)
    made = AspectsSite(python, tmp_path / "lms.sqlite3", clickhouse)
    made.run("fill.py")
    with closing(sqlite3.connect(made.database)) as database, database:
        # The site has courses on which the real plugin's command ends with a traceback.
        database.execute("DELETE FROM course_overviews_courseoverview WHERE id IN (?, ?)", (DELETED, DAMAGED))
    site.settings["images"]["overhangio/openedx"] = site.settings["images"]["openedx-dev"] = {
        "path": str(python.parent),
        "folder": "/openedx/edx-platform",
        "mounts": [[str(platform), "/openedx/edx-platform", False]],
        "environment": {
            "PYTHONPATH": f"{SITE}:{ROOT}", "SITE_DATABASE": str(made.database), "CLICKHOUSE_URL": clickhouse.url,
            "CLICKHOUSE_PASSWORD": clickhouse.password, "PLUGIN_FIRST": "1",
        },
    }  # fmt: skip
    site.save_settings()
    return site


def dumped(site, clickhouse, mode, service, options):
    """Dump as the guide does, and return the number of rows of each table that has any."""
    if mode == "k8s":
        needs_kubectl()
    create_event_sink(clickhouse, "event_sink")
    done = site(mode, "do", "dump-data-to-clickhouse", "--service", service, "--options", options)
    assert done.returncode == 0, done.stdout + done.stderr
    tables = ("course_overviews", "course_blocks", "user_profile", "external_id")
    counted = {table: int(clickhouse.query(f"SELECT count() FROM event_sink.{table}")[0][0]) for table in tables}
    return {table: count for table, count in counted.items() if count}


@pytest.mark.parametrize("mode", ["k8s", pytest.param("local", marks=endurance), pytest.param("dev", marks=endurance)])
def test_the_guides_dump_of_courses_fills_aspects_tables(open_edx, clickhouse, mode):
    found = dumped(open_edx, clickhouse, mode, "cms", "--object course_overviews --force")
    assert found["course_blocks"] > found["course_overviews"] > 0
    assert len(found) == 2


@pytest.mark.parametrize(
    ("mode", "table", "source"),
    [
        ("dev", "user_profile", "auth_userprofile"),
        ("local", "external_id", "external_user_ids_externalid"),
        *(pytest.param(mode, "user_profile", "auth_userprofile", marks=endurance) for mode in ("local", "k8s")),
        *(
            pytest.param(mode, "external_id", "external_user_ids_externalid", marks=endurance)
            for mode in ("dev", "k8s")
        ),
    ],
)
def test_the_guides_dumps_of_users_fill_aspects_tables(site, clickhouse, mariadb, mode, table, source):
    found = dumped(site, clickhouse, mode, "lms", f"--object {table}")
    assert found == {table: int(mariadb.query(f"SELECT count(*) FROM openedx.{source}")[0][0])}
