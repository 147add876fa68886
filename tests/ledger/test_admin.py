"""The ledger in Django's admin, in a real browser."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys

import pytest

from tests.support.browser import browser_program
from tests.support.paths import ROOT
from tests.support.servers import answered, free_port, served

MANAGE = [sys.executable, "-m", "django"]
PREPARE = """
import django; django.setup()
from django.contrib.auth import get_user_model
from log_replay.models import RunBacklog, Run, RunUnit
get_user_model().objects.create_superuser("root", "", "x")
run = Run.objects.create(
    name="backfill", state="stopped", planned=True, reason="SIGTERM",
    identity={"source": "S3 container=logs", "batch_size": 100},
    counts={
        "refusals": {"<b>HTTP 400</b>": 2, "HTTP 413": 2}, "rejects_by_reason": {"unknown_user": 7},
        "routes": {
            "https://one.example.com": {"delivered": 4000},
            "https://two.example.com": {"delivered": 3000, "undelivered": 1000, "unavailable": "it is down"},
        },
    },
)
RunBacklog.objects.create(
    run=run, number=1, routes={"https://two.example.com": 1000}, outcomes=[],
    line_ranges=[[0, "a.log", 700, 1200, {"failed": 1000}]],
)
done = {"lines": 1000, "known": 600, "transformed": 600, "statements": 600, "delivered": 600}
RunUnit.objects.create(run=run, number=0, object="a.log", size_bytes=3000, state="done", counters=done, end=None)
RunUnit.objects.create(run=run, number=1, object="b.log", size_bytes=1000, state="begun", offset=300)
RunUnit.objects.create(run=run, number=2, object="c.log", size_bytes=1000, state="failed", offset=0, error="damaged")
RunUnit.objects.create(run=run, number=3, object="d.log", size_bytes=1000)
Run.objects.create(name="nightly", state="finished", planned=True)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Start the site and return its URL."""
    home = tmp_path_factory.mktemp("admin")
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.support.admin_site",
        "PYTHONPATH": str(ROOT),
        "LOG_REPLAY_HOME": str(home),
    }
    environment = {**os.environ, **settings}
    for command in ([*MANAGE, "migrate", "--verbosity", "0"], [sys.executable, "-c", PREPARE]):
        subprocess.run(command, env=environment, check=True, capture_output=True)
    port = free_port()
    with served([*MANAGE, "runserver", "--noreload", f"127.0.0.1:{port}"], home, settings) as log:
        answered(f"http://127.0.0.1:{port}/admin/", log)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def seen(site, tmp_path):
    """Return a function that opens a page of the admin in Chromium and returns its description."""
    browser = browser_program()

    def look(page: str) -> dict:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom", f"{site}/measure?page={page}",
        ]  # fmt: skip
        shown = subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode()
        body = re.search(r"<body>(.*)</body>", shown, re.DOTALL)
        assert body, shown
        return json.loads(html.unescape(body[1]))

    return look


def test_each_run_is_listed_with_a_progress_bar(seen):
    page = seen("/admin/log_replay/run/")
    assert [(bar["value"], bar["max"]) for bar in page["bars"]] == [(100, 100), (55, 100)]
    assert all(bar["width"] > 50 and bar["height"] > 5 for bar in page["bars"])
    assert "1 of 4, 1 failed" in page["text"]
    assert "stopped" in page["text"]


def test_page_of_a_run_shows_everything_and_is_read_only(seen):
    page = seen("/admin/log_replay/run/1/change/")
    assert [bar["value"] for bar in page["bars"]] == [55, 55, 41.2]
    assert (
        "3,000 delivered, 0 duplicate, 0 failed, 1,000 undelivered from a.log at offset 700 on: it is down"
        in page["text"]
    )
    for told in (
        "SIGTERM",
        "damaged",
        "<b>HTTP 400</b>",
        "HTTP 413",
        "2 statements refused",
        "unknown_user",
        "S3 container=logs",
        "1,000",
    ):
        assert told in page["text"]
    assert not {"_save", "_addanother", "_continue", "Delete"} & set(page["inputs"])


def test_units_are_listed(seen):
    page = seen("/admin/log_replay/rununit/?run__id__exact=1")
    for name in ("a.log", "b.log", "c.log", "d.log", "damaged"):
        assert name in page["text"]


def test_nothing_can_be_added_or_deleted(site):
    import requests

    for page in ("run/add/", "rununit/add/", "run/1/delete/", "rununit/1/delete/"):
        assert requests.get(f"{site}/admin/log_replay/{page}", timeout=30).status_code == 403
    answer = requests.post(f"{site}/admin/log_replay/run/1/change/", data={"name": "x"}, timeout=30)
    assert answer.status_code == 403
