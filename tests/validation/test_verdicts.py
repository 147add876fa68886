"""Our verdict on golden and mutated statements equals that of two LRSs, but for differences with a reason."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from log_replay.validation import Validator
from tests.support.mutated_statements import mutated
from tests.support.paths import ROOT, TESTS
from tests.support.servers import learning_locker_folder, ralph_folder
from tests.validation.differences import DIFFERENCES, reason

MUTATED = int(os.environ.get("LOG_REPLAY_MUTATED_STATEMENTS", "500"))
SEED = 1
SUPPORT = TESTS / "support"


@pytest.fixture(scope="module")
def golden():
    return [
        statement
        for path in sorted((TESTS / "golden/xapi").glob("*.json"))
        for statement in json.loads(path.read_text())["statements"]
    ]


@pytest.fixture(scope="module")
def statements(golden):
    return [*golden, *mutated(golden, MUTATED, SEED)]


@pytest.fixture(scope="module")
def ours(statements):
    validator = Validator("xapi")
    return [validator.violations(json.dumps(statement).encode()) for statement in statements]


def verdicts(command, folder, statements):
    done = subprocess.run(command, cwd=folder, input=json.dumps(statements), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def unexplained(lrs, statements, ours, theirs):
    found = []
    for statement, violations, errors in zip(statements, ours, theirs, strict=True):
        if bool(violations) != bool(errors):
            rules = [f"{violation.rule} {json.dumps(violation.value)}" for violation in violations]
            if not reason(lrs, accepts=not errors, texts=rules or errors):
                found.append((rules, errors, statement))
    return found


def test_learning_locker_has_the_same_verdict(statements, ours):
    command = ["node", str(SUPPORT / "validate_with_learning_locker.js")]
    theirs = verdicts(command, learning_locker_folder(), statements)
    assert unexplained("Learning Locker", statements, ours, theirs) == []
    assert sum(map(bool, theirs)) > 200


def test_ralph_has_the_same_verdict(statements, ours):
    folder = ralph_folder()
    theirs = verdicts([folder / "bin/python", SUPPORT / "validate_with_ralph.py"], folder, statements)
    assert unexplained("Ralph", statements, ours, theirs) == []
    assert sum(map(bool, theirs)) > 200


def test_both_answers_of_the_validator_agree(statements, ours):
    validator = Validator("xapi")
    for statement, violations in zip(statements, ours, strict=True):
        assert validator.is_valid(json.dumps(statement).encode()) == (not violations)


def test_mutated_statements_are_of_both_kinds(ours):
    valid = sum(not violations for violations in ours[-MUTATED:])
    assert MUTATED / 10 < valid < MUTATED / 2


def test_the_page_lists_every_difference():
    page = (ROOT / "log_replay/docs/explain.md").read_text(encoding="utf-8")
    assert [row.reason for row in DIFFERENCES if row.reason not in page] == []
