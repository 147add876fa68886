"""Runs from and into a store that fails at random give the same statements and the same files, byte for byte.

``LOG_REPLAY_FAULT_RUNS`` is the number of runs (default 12).
"""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.retry import RetryPolicy
from log_replay.sinks.files.opening import file_sink
from log_replay.sinks.lrs.routes import Route
from log_replay.sources import open_source
from tests import generate_log
from tests.support.faulty_proxy import status
from tests.support.faulty_store import FaultyStore
from tests.support.flaky_lrs import FlakyLrs
from tests.support.lrs_sinks import sink_of
from tests.support.runs import parsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.options import Options
    from log_replay.sinks import Sink

RUNS = int(os.environ.get("LOG_REPLAY_FAULT_RUNS", "12"))
ROUNDS = 5
SHORT_DELAYS = RetryPolicy(first_delay_seconds=0.0005)


@pytest.fixture
def store(s3):
    """A bucket with logs, behind a proxy that can fail."""
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


def run_of(store: FaultyStore, *arguments: str, open_sink: Callable[[Options], Sink] = lambda _: None) -> Replay:
    source = {**store.s3.config, "port": store.port, "prefix": "logs/"}
    options = parsed(
        [
            "--transformer_type", "xapi", "--source_provider", "MINIO", "--source_config", json.dumps(source),
            "--add_external_ids", "no", "--batch_size", "40", "--log_to", "null",
            "--sleep_between_batches_secs", "0", *arguments,
        ]
    )  # fmt: skip
    return Replay(options, open_sink(options), open_source("MINIO", source, SHORT_DELAYS))


def run_to_files(store: FaultyStore, prefix: str) -> Replay:
    destination = {**store.s3.config, "port": store.port, "prefix": prefix}

    def open_sink(options: Options) -> Sink:
        return file_sink("MINIO", destination, transformer_type="xapi", key=options.key, retry_policy=SHORT_DELAYS)

    arguments = ["--destination_provider", "MINIO", "--destination_config", json.dumps(destination)]
    return run_of(store, *arguments, open_sink=open_sink)


def files_below(store: FaultyStore, prefix: str) -> dict[str, bytes]:
    names = [name for name in store.s3.names() if name.startswith(prefix) and not name.endswith("manifest.json")]
    return {name.removeprefix(prefix).split("_", 2)[2]: store.s3.read(name) for name in names}


@pytest.fixture
def expected(store, directory):
    """The report and the files of a run without faults."""
    report = run_to_files(store, "expected/").replay(ProgressLog())
    assert report.complete, report.as_dict()
    assert report.total.delivered > 100
    return report, files_below(store, "expected/")


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_files_are_the_same_with_any_faults(store, expected, round_number):
    report, files = expected
    broken = 0
    for seed in range(round_number, RUNS // 2, ROUNDS):
        prefix = f"out-{seed}/"
        run = run_to_files(store, prefix)
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
def test_lrs_gets_each_statement_once_with_any_faults(store, expected, round_number):
    report, files = expected
    ids = {json.loads(line)["id"] for content in files.values() for line in content.splitlines()}
    for seed in range(round_number, RUNS // 2, ROUNDS):
        with FlakyLrs(seed) as lrs:
            config = json.dumps({"url": lrs.url})
            sink = sink_of(Route(lrs.url), retry_policy=SHORT_DELAYS, timeout_seconds=3)
            arguments = ["--destination_provider", "LRS", "--destination_config", config]
            run = run_of(store, *arguments, open_sink=lambda _, sink=sink: sink)
            store.break_from_now_on(seed)
            found = run.replay(ProgressLog())
        store.faults = store.listing_faults = []
        assert found.complete, (seed, found.as_dict())
        assert found.total == report.total, seed
        assert lrs.stored.keys() == ids, seed
        assert lrs.sent_again == [], seed


@pytest.mark.usefixtures("directory")
def test_joined_process_waits_for_a_store_that_is_busy(store):
    """Otherwise a pod would end the whole Job with exit code 2."""
    source = {**store.s3.config, "port": store.port, "prefix": "logs/"}
    words = [
        "replay_tracking_logs", "--transformer_type", "xapi", "--add_external_ids", "no", "--log_to", "null",
        "--source_provider", "MINIO", "--source_config", json.dumps(source),
        "--destination_provider", "MINIO", "--destination_config", json.dumps({**source, "prefix": "out/"}),
    ]  # fmt: skip
    store.listing_faults = [status(503)]
    with pytest.raises(CommandError) as alone:
        call_command(*words, "--run", "alone")
    assert alone.value.returncode == 2
    store.listing_faults, store.upload_faults = [status(503)], ["503"]
    call_command(*words, "--run", "x", "--join")
    assert store.listing_faults == store.upload_faults == []
    assert files_below(store, "out/")
