"""``python -m tests.benchmarks.ledger``: the share of the ledger in the CPU and in the time of a run into files.

The ledger is timed inside the run, so that both have the same disk and the same load of the machine. Its CPU is under
2 % with the default batch size of 10,000. Its time is mostly the wait for the disk: each batch is one durable commit.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="log-replay-bench-"))
os.environ["LOG_REPLAY_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "log_replay.standalone.settings"

import django

django.setup()

from django.core.management import load_command_class

from log_replay.ledger.database import DatabaseLedger
from log_replay.ledger.lease import Lease
from log_replay.options import read_options
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.standalone.embedded import load_identities, prepare
from log_replay.statement_log import configure_own_log
from tests import generate_log

LINES = 250_000
KNOWN = 0.6
BATCH_SIZES = (10_000, 1_000)
TIMED = {DatabaseLedger: ("_store_plan", "_restore", "acknowledge", "begin", "finish"), Lease: ("acquire", "release")}


class Stopwatch:
    """Adds up the time and the CPU that functions take."""

    def __init__(self) -> None:
        self.seconds = self.cpu_seconds = 0.0

    def around(self, function):
        def timed(*args, **kwargs):
            began, cpu_began = time.perf_counter(), time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began
                self.cpu_seconds += time.process_time() - cpu_began

        return timed


def main() -> None:
    configure_own_log()
    prepare()
    load_identities(generate_log.identities(users=2000, courses=20))
    logs = HOME / "logs"
    logs.mkdir()
    with (logs / "tracking.log").open("wb") as log:
        log.writelines(generate_log.lines(count=LINES, known=KNOWN, users=2000, courses=20))
    stopwatch = Stopwatch()
    for owner, names in TIMED.items():
        for name in names:
            setattr(owner, name, stopwatch.around(getattr(owner, name)))
    sys.stdout.write(
        f"{'batch size':>10} {'batches':>8} {'run s':>8} {'ledger s':>9} {'ms a batch':>11} {'share':>7}"
        f" {'CPU share':>10}\n"
    )
    for batch_size in BATCH_SIZES:
        show(batch_size, stopwatch)


def show(batch_size: int, stopwatch: Stopwatch) -> None:
    out = HOME / f"out-{batch_size}"
    out.mkdir()
    arguments = [
        "--transformer_type", "xapi", "--source_provider", "LOCAL", "--destination_provider", "LOCAL",
        "--source_config", json.dumps({"key": str(HOME), "container": "logs"}),
        "--destination_config", json.dumps({"key": str(HOME), "container": out.name}),
        "--batch_size", str(batch_size),
    ]  # fmt: skip
    parser = load_command_class("log_replay", "replay_tracking_logs").create_parser("log-replay", "bench")
    stopwatch.seconds = stopwatch.cpu_seconds = 0.0
    cpu_began = time.process_time()
    report = Replay(read_options(vars(parser.parse_args(arguments)))).replay(ProgressLog())
    batches = -(-report.total.transformed // batch_size)
    share = f"{stopwatch.seconds / report.seconds:.2%}"
    cpu_share = f"{stopwatch.cpu_seconds / (time.process_time() - cpu_began):.2%}"
    milliseconds = 1000 * stopwatch.seconds / batches
    sys.stdout.write(
        f"{batch_size:>10} {batches:>8} {report.seconds:>8.2f} {stopwatch.seconds:>9.3f}"
        f" {milliseconds:>11.1f} {share:>7} {cpu_share:>10}\n"
    )


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
