"""Runs from a store, and into one, that fails at random: the same statements, the same files, byte for byte.

``LOG_REPLAY_FAULT_RUNS`` says how many runs of both kinds together (default 100).
"""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace

import pytest

from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.retry import RetryPolicy
from tests import generate_log
from tests.support.faulty_store import FaultyStore
from tests.support.flaky_lrs import FlakyLrs
from tests.support.runs import parsed

RUNS = int(os.environ.get("LOG_REPLAY_FAULT_RUNS", "100"))
ROUNDS = 5


@pytest.fixture
def store(s3):
    """A bucket with logs, behind a proxy that will fail."""
    lines = list(generate_log.lines(count=260, known=0.7, users=5, courses=2, seed=3))
    s3.write("logs/a.log", b"".join(lines[:150]))
    s3.write("logs/b.log.gz", gzip.compress(b"".join(lines[150:]), mtime=0))
    with FaultyStore(s3.port) as proxy:
        proxy.s3 = s3
        yield proxy


@pytest.fixture
def directory(db):
    from log_replay.standalone.embedded import load_identities

    load_identities(generate_log.identities(users=5, courses=2))


def run_of(store: FaultyStore, *arguments: str, batch_size: int = 40) -> Replay:
    source = {**store.s3.config, "port": store.port, "prefix": "logs/"}
    run = Replay(
        parsed(
            [
                "--transformer_type",
                "xapi",
                "--source_provider",
                "MINIO",
                "--source_config",
                json.dumps(source),
                "--add_external_ids",
                "no",
                "--batch_size",
                str(batch_size),
                "--log_to",
                "null",
                "--sleep_between_batches_secs",
                "0",
                *arguments,
            ]
        )
    )
    run._source._retry_policy = replace(run._source._retry_policy, first_delay_seconds=0.0005)
    return run


def to_files(store: FaultyStore, prefix: str) -> list[str]:
    destination = {**store.s3.config, "port": store.port, "prefix": prefix}
    return ["--destination_provider", "MINIO", "--destination_config", json.dumps(destination)]


def files_below(store: FaultyStore, prefix: str) -> dict[str, bytes]:
    names = [name for name in store.s3.names() if name.startswith(prefix) and not name.endswith("manifest.json")]
    return {name.removeprefix(prefix).rpartition("_")[2]: store.s3.read(name) for name in names}


@pytest.fixture
def expected(store, directory):
    """What a run gives when nothing fails."""
    report = run_of(store, *to_files(store, "expected/")).replay(ProgressLog())
    assert report.complete, report.as_dict()
    assert report.total.delivered > 100
    return report, files_below(store, "expected/")


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_files_are_the_same_whatever_fails(store, expected, round_number):
    report, files = expected
    broken = 0
    for seed in range(round_number, RUNS // 2, ROUNDS):
        prefix = f"out-{seed}/"
        run = run_of(store, *to_files(store, prefix))
        run._sink._store._retry_policy = RetryPolicy(first_delay_seconds=0.0005)
        store.break_from_now_on(seed)
        found = run.replay(ProgressLog())
        broken += store.broken
        store.faults = store.listing_faults = []
        store.upload_faults = None
        assert found.complete, (seed, found.as_dict())
        assert found.total == report.total, seed
        assert files_below(store, prefix) == files, seed
    assert broken


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_an_lrs_gets_everything_once_whatever_fails_on_both_sides(store, expected, round_number):
    report, files = expected
    ids = {json.loads(line)["id"] for content in files.values() for line in content.splitlines()}
    for seed in range(round_number, RUNS // 2, ROUNDS):
        with FlakyLrs(seed) as lrs:
            config = json.dumps({"url": lrs.url, "timeout_seconds": 3})
            run = run_of(store, "--destination_provider", "LRS", "--destination_config", config)
            run._sink._endpoints[0]._retry_policy = RetryPolicy(first_delay_seconds=0.0005)
            store.break_from_now_on(seed)
            found = run.replay(ProgressLog())
        store.faults = store.listing_faults = []
        assert found.complete, (seed, found.as_dict())
        assert found.total == report.total, seed
        assert lrs.stored.keys() == ids, seed
        assert lrs.sent_again == [], seed
