"""Runs into an LRS with random faults: no statement is lost, and no acknowledged statement is sent again.

``LOG_REPLAY_FAULT_RUNS`` is the number of runs (default 12).
"""

from __future__ import annotations

import json
import os

import pytest

from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.routes import given_route
from log_replay.sinks.lrs.settings import read_settings
from log_replay.sinks.lrs.sink import LrsSink
from tests.support.flaky_lrs import AFTER, BEFORE, FlakyLrs
from tests.support.runs import logs, parsed, source

__all__ = ["logs", "source"]

RUNS = int(os.environ.get("LOG_REPLAY_FAULT_RUNS", "12"))
ROUNDS = 10


def ids_of(path) -> set[str]:
    return {json.loads(line)["id"] for line in path.read_bytes().splitlines()}


@pytest.fixture
def arguments(source):
    return [
        *source, "--transformer_type", "xapi", "--add_external_ids", "no", "--sleep_between_batches_secs", "0",
    ]  # fmt: skip


@pytest.fixture
def made(sample_identities, arguments, tmp_path):
    """The ids of the statements of the sample log."""
    logged = tmp_path / "made"
    Replay(parsed([*arguments, "--dry_run", "--log_to", f"file:{logged}", "--log_format", "raw"])).replay(ProgressLog())
    return ids_of(logged)


def run_of(lrs: FlakyLrs, arguments, *more: str, **retry_policy) -> Replay:
    config = {"url": lrs.url, "timeout_seconds": 3}
    to_lrs = ["--destination_provider", "LRS", "--destination_config", json.dumps(config), "--log_to", "null"]
    options = parsed([*arguments, *to_lrs, *more])
    settings, route_config = read_settings(options.destination.config)
    sink = LrsSink(
        [given_route(route_config)],
        transformer_type="xapi",
        settings=settings,
        retry_policy=RetryPolicy(first_delay_seconds=0.0005, **retry_policy),
    )
    return Replay(options, sink)


def seeds(round_number: int) -> range:
    return range(round_number * RUNS // ROUNDS, (round_number + 1) * RUNS // ROUNDS)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_random_faults_lose_and_repeat_no_statement(made, arguments, round_number):
    for seed in seeds(round_number):
        batch_size, concurrency = (17, 40, 90, 1000)[seed % 4], (1, 1, 3)[seed % 3]
        with FlakyLrs(seed) as lrs:
            how = ["--batch_size", str(batch_size), "--lrs_concurrency", str(concurrency)]
            # With concurrent requests, all faults in a row can hit the same request, twice in a row.
            run = run_of(lrs, arguments, *how, retries=12)
            report = run.replay(ProgressLog())
        assert report.complete, (seed, report.as_dict())
        assert report.total.balanced
        assert report.total.delivered == len(made)
        assert lrs.stored.keys() == made, seed
        assert lrs.sent_again == [], seed


def test_stopped_run_continues_where_it_was(made, arguments):
    for seed in range(max(3, RUNS // 10)):
        attempts = 0
        with FlakyLrs(seed, faults=60, most_in_row=None) as lrs:
            while True:
                attempts += 1
                report = run_of(lrs, arguments, "--batch_size", "20", "--run", f"flaky-{seed}", retries=1).replay(
                    ProgressLog()
                )
                if report.complete:
                    break
                assert "send" in report.stopped
                assert attempts < 200
        assert lrs.stored.keys() == made
        assert report.total.delivered == len(made)
        assert lrs.sent_again == []


def test_refusals_are_listed_in_spite_of_random_faults(made, arguments, tmp_path):
    def refuses(statement):
        return statement["id"][0] == "7"

    for seed in range(max(3, RUNS // 20)):
        rejects = tmp_path / f"rejects-{seed}"
        with FlakyLrs(seed, refuses=refuses) as lrs:
            report = run_of(lrs, arguments, "--batch_size", "100", "--rejects", str(rejects)).replay(ProgressLog())
        refused = {id_ for id_ in made if id_[0] == "7"}
        assert report.total.failed == len(refused) > 3
        assert lrs.stored.keys() == made - refused
        entries = [json.loads(line) for line in rejects.read_bytes().splitlines()]
        assert {entry["statement_id"] for entry in entries if "statement_id" in entry} == refused
        assert lrs.sent_again == []


def test_every_kind_of_fault_occurs():
    lrs = FlakyLrs(1, faults=100, most_in_row=None)
    for _ in range(500):
        lrs.draw()
    assert len(lrs.kinds) == len(BEFORE) + len(AFTER)
    lrs._server.server_close()
