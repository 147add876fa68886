"""Fixtures of explanations: in this process with the database of the tests, or in a process."""

from __future__ import annotations

import json

import pytest

from log_replay.explain.explain_options import read_explain_options
from log_replay.explain.explaining import explanations
from tests.support.clickhouse_servers import clickhouse, clickhouse_process
from tests.support.runs import logs, options, replay, shell, source
from tests.support.servers import s3, s3_server

__all__ = ["clickhouse", "clickhouse_process", "logs", "options", "replay", "s3", "s3_server", "shell", "source"]


@pytest.fixture
def explain(sample_identities):
    """Return a function that explains what the options ask for."""

    def explained(*lines, **given):
        return list(explanations(read_explain_options({"lines": lines, **given})))

    return explained


@pytest.fixture
def explain_text(explain, tmp_path):
    """Return a function that explains the first line of a text."""

    def explained(text, **given):
        if isinstance(text, dict):
            text = json.dumps(text).encode()
        path = tmp_path / "one.log"
        path.write_bytes(text + b"\n")
        return explain(f"{path}:0", **given)[0]

    return explained
