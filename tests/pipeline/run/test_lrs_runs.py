"""Whole runs into real LRSs: the LRS has exactly the statements of the log."""

from __future__ import annotations

import json

import pytest

from tests.support.upstream_reference import normalised


@pytest.fixture
def expected(replay, source, tmp_path):
    """The statements of the sample log by id. An LRS keeps the first statement of each id."""
    logged = tmp_path / "made"
    replay(*source, "--dry_run", "--log_to", f"file:{logged}", "--log_format", "raw")
    statements: dict[str, dict] = {}
    for line in logged.read_bytes().splitlines():
        statement = json.loads(line)
        statements.setdefault(statement["id"], statement)
    return statements


def to_lrs(lrs) -> list[str]:
    place = ["--destination_provider", "LRS", "--destination_config", json.dumps(lrs.config)]
    return [*place, "--sleep_between_batches_secs", "0", "--add_external_ids", "no", "--log_to", "null"]


def test_ralph_has_exactly_the_statements_of_the_log(replay, source, expected, ralph):
    report = replay(*source, *to_lrs(ralph), "--batch_size", "50")
    assert report.complete
    stored = {statement["id"]: statement for statement in ralph.stored(set(expected))}
    assert stored.keys() == expected.keys()
    for identifier, statement in expected.items():
        assert normalised(statement).items() <= normalised(stored[identifier]).items()


def test_sending_again_creates_no_duplicates(replay, source, expected, ralph):
    for _ in range(2):
        assert replay(*source, *to_lrs(ralph), "--batch_size", "50").complete
    ids = [statement["id"] for statement in ralph.stored(set(expected))]
    assert sorted(ids) == sorted(set(ids))


# Upstream's statements about exams and about problems with several questions are not valid xAPI 1.0.3, and Learning
# Locker is strict: object ids that are not IRIs, an objectType GroupActivity.
CONFORMANT = ["--event", "edx.video.*", "edx.forum.*", "edx.course.*", "edx.ui.*", "*_video", "showanswer"]


def test_learning_locker_has_exactly_the_sent_statements(replay, source, learning_locker, tmp_path):
    sent = tmp_path / "sent"
    logged = ["--log_to", f"file:{sent}", "--log_format", "raw"]
    report = replay(*source, *to_lrs(learning_locker), *CONFORMANT, "--batch_size", "50", *logged)
    assert report.complete, report.as_dict()
    ids = {json.loads(line)["id"] for line in sent.read_bytes().splitlines()}
    assert len(ids) == report.total.delivered > 100
    assert {statement["id"] for statement in learning_locker.stored(ids)} == ids


def test_refused_statements_fail_and_the_run_continues(replay, source, learning_locker):
    report = replay(
        *source, *to_lrs(learning_locker), "--event", "edx.special_exam.*", "play_video", "--batch_size", "1"
    )
    assert report.total.balanced
    assert report.total.failed > 0
    assert report.total.delivered > 0
    assert any("400" in reason for reason in report.refusals)
    assert not report.complete
