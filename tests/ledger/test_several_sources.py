"""Runs over several sources are resumed, repeated and replayed from rejects like runs over one folder."""

from __future__ import annotations

import pytest

from tests.ledger.test_from_rejects import logged, test_only_the_rejected_lines_are_replayed, unknown_users
from tests.ledger.test_resuming import (
    test_complete_run_does_nothing_when_repeated,
    test_log_that_has_only_grown_is_read_to_its_old_size,
    test_resumed_run_has_the_result_of_an_uninterrupted_run,
)

__all__ = [
    "logged",
    "test_complete_run_does_nothing_when_repeated",
    "test_log_that_has_only_grown_is_read_to_its_old_size",
    "test_only_the_rejected_lines_are_replayed",
    "test_resumed_run_has_the_result_of_an_uninterrupted_run",
    "unknown_users",
]


@pytest.fixture
def source(logs, monkeypatch):
    """A file and a pattern, instead of the folder ``logs``."""
    monkeypatch.chdir(logs)
    return ["a.log", "b*"]
