"""Runs count the statements that break a rule, and reject their events if asked to."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest

from log_replay.counters import ValidationCounts
from log_replay.gaps.gap_options import GAP_OPTIONS, read_gap_options
from log_replay.report import Report
from log_replay.report.stored import restore_counts, stored_counts
from log_replay.report.terminal import show_summary

QUIET = ("--destination_provider", "LOGGER", "--log_to", "null")
GROUP_ACTIVITY = "object.objectType: is none of Activity, Agent, Group, SubStatement and StatementRef"


def test_dry_run_checks_every_statement(replay, source):
    report = replay(*source, "--dry_run", "--log_to", "null")
    assert report.validation.checked == report.total.statements
    assert report.validation.broken[GROUP_ACTIVITY, "problem_check"].statements == 3
    assert report.complete


def test_other_runs_check_only_if_asked_to(replay, source):
    assert replay(*source, *QUIET).validation is None
    assert replay(*source, *QUIET, "--validate").validation.invalid > 0
    assert replay(*source, "--dry_run", "--log_to", "null", "--no-validate").validation is None


def test_comparisons_check_no_statement(logs):
    given = {name: row.default for name, row in GAP_OPTIONS.items()}
    options = read_gap_options(given | {"sources": [str(logs)], "transformer_type": "xapi"})
    assert not options.run.validate


def test_first_place_of_a_rule_is_a_line_that_breaks_it(replay, source, logs):
    validation = replay(*source, *QUIET, "--validate").validation
    for (_, event), broken in validation.broken.items():
        name, offset = broken.first
        line = (logs / name).read_bytes()[offset:].split(b"\n")[0]
        assert event.encode() in line


def test_invalid_statements_are_rejected_if_asked_to(replay, source, tmp_path):
    kept = replay(*source, *QUIET, "--validate")
    rejects = tmp_path / "rejects.jsonl"
    rejected = replay(*source, *QUIET, "--validate", "--invalid", "reject", "--rejects", str(rejects))
    assert rejected.validation == kept.validation
    listed = [
        entry for entry in map(json.loads, rejects.read_bytes().splitlines()) if entry["reason"] == "invalid_statement"
    ]
    assert rejected.rejects_by_reason["invalid_statement"] == len(listed) > 0
    assert rejected.total.rejected == kept.total.rejected + len(listed)
    assert rejected.total.statements < kept.total.statements
    assert not rejected.imbalances
    # The lines that are left give valid statements only.
    assert rejected.total.statements + kept.validation.invalid <= kept.total.statements


def test_a_strict_lrs_refuses_what_breaks_a_rule(replay, source, learning_locker):
    to_lrs = (
        *source, "--destination_config", json.dumps(learning_locker.config), "--log_to", "null", "--validate",
        "--sleep_between_batches_secs", "0",
    )  # fmt: skip
    kept = replay(*to_lrs)
    assert kept.total.failed == kept.validation.invalid > 20
    rest = replay(*to_lrs, "--invalid", "reject")
    assert rest.complete
    assert rest.total.failed == 0 < rest.total.statements


def test_counts_do_not_depend_on_workers(shell, source, logs, tmp_path):
    (logs / "second.log").write_bytes((logs / "tracking.log").read_bytes())
    found = []
    for workers in ("1", "2"):
        summary = tmp_path / f"{workers}.json"
        done = shell(
            "replay_tracking_logs", "--transformer_type", "xapi", *source, *QUIET, "--validate",
            "--unit_size", "20KB", "--workers", workers, "--summary", str(summary),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(json.loads(summary.read_text())["validation"])
    assert found[0] == found[1]
    assert found[0]["invalid"] > 0


def test_counts_survive_the_ledger(replay, source):
    report = replay(*source, *QUIET, "--validate")
    restored = Report()
    restore_counts(restored, json.loads(json.dumps(stored_counts(report))))
    assert restored.validation.as_dict() == report.validation.as_dict()


def test_summary_of_a_run_names_rules_and_places(replay, source):
    text = StringIO()
    show_summary(replay(*source, *QUIET, "--validate"), text)
    lines = text.getvalue().splitlines()
    at = lines.index(f"   {GROUP_ACTIVITY}")
    assert lines[at + 1] == "         3  problem_check, first at tracking.log:8266"
    assert any(
        re.fullmatch(r"\d+ statements checked against the specification: \d+ are invalid", line) for line in lines
    )


def test_counts_can_be_added():
    first, second, total = ValidationCounts(2, 1), ValidationCounts(3, 2), ValidationCounts()
    first.add("rule", "event", 1, ("a", 5))
    second.add("rule", "event", 2, ("b", 7))
    second.add("rule", "other", 1, ("b", 9))
    total += first
    total += second
    assert total.as_dict() == {
        "checked": 5,
        "invalid": 3,
        "rules": [
            {"rule": "rule", "event": "event", "statements": 3, "object": "a", "offset": 5},
            {"rule": "rule", "event": "other", "statements": 1, "object": "b", "offset": 9},
        ],
    }


@pytest.mark.parametrize("transformer_type", ["xapi", "caliper"])
def test_summary_has_the_counts(replay, source, transformer_type):
    report = replay("--transformer_type", transformer_type, *source, "--dry_run", "--log_to", "null")
    assert report.as_dict()["validation"]["invalid"] == report.validation.invalid > 0
