"""Inside the LMS: edx-platform's models, its LOGGING setting, and both names of the command.

A stand-in for edx-platform has the three modules that event-routing-backends imports from it, with real models.
"""

from __future__ import annotations

import json

import pytest

from tests.support.lms import Lms
from tests.support.paths import SAMPLE
from tests.support.upstream_reference import normalised

SOURCE = json.dumps({"key": str(SAMPLE.parent), "container": "sample", "prefix": "tracking.log"})
ARGUMENTS = ["--source_provider", "LOCAL", "--source_config", SOURCE, "--transformer_type", "xapi"]


@pytest.fixture(scope="module")
def lms(tmp_path_factory) -> Lms:
    return Lms(tmp_path_factory.mktemp("lms"))


def test_statements_go_to_the_loggers_of_the_lms(lms, replay, source, tmp_path):
    done = lms.manage("replay_tracking_logs", *ARGUMENTS, "--dry_run")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    outside = tmp_path / "outside"
    replay(*source, "--dry_run", "--log_to", f"file:{outside}", "--log_format", "raw")
    expected = [normalised(json.loads(line)) for line in outside.read_text().splitlines()]
    assert [normalised(statement) for statement in lms.logged()] == expected


def test_workers_log_the_same_statements_in_the_lms(lms):
    lms.manage("replay_tracking_logs", *ARGUMENTS, "--dry_run")
    alone = lms.logged()
    done = lms.manage("replay_tracking_logs", *ARGUMENTS, "--dry_run", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert lms.logged() == alone


def test_missing_external_ids_are_added_unless_dry_run(lms):
    lms.manage("replay_tracking_logs", *ARGUMENTS, "--dry_run")
    without_external_ids = len(lms.logged())
    lms.manage("replay_tracking_logs", *ARGUMENTS, "--destination_provider", "LOGGER")
    assert len(lms.logged()) > without_external_ids


def test_the_first_app_provides_transform_tracking_logs(lms):
    ours = lms.manage("transform_tracking_logs", "--help", OURS_FIRST="yes").stdout
    theirs = lms.manage("transform_tracking_logs", "--help").stdout
    assert "--max_rejected" in ours
    assert "--max_rejected" not in theirs


def test_no_model_of_ours_owns_a_table_of_the_lms(lms):
    done = lms.manage("makemigrations", "--check", "--dry-run", "log_replay")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fields.E028" not in lms.manage("check").stderr
