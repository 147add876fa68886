"""``python -m tests.benchmarks.sampling``: look at 400 GB in a simulated object store, with 2 workers.

Each request takes 30 ms, and each connection transfers 50 MB/s. The 95 % interval of the number of lines is printed
beside the true number.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

# Workers import this module as well, with the environment of their parent.
HOME = Path(tempfile.mkdtemp(prefix="log-replay-bench-") if __name__ == "__main__" else os.environ["LOG_REPLAY_HOME"])
os.environ["LOG_REPLAY_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "log_replay.standalone.settings"

import django

django.setup()

from log_replay.inspect.document import Inspected, inspection
from log_replay.inspect.duration import Measured
from log_replay.inspect.sampling.extrapolation import SampleFigures
from log_replay.inspect.sampling.source import SampledSource
from log_replay.options import read_options
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.standalone.embedded import load_identities, prepare
from log_replay.statement_log import configure_own_log
from tests import generate_log
from tests.support.simulated_store import SimulatedStore

TOTAL_BYTES = 400 * 10**9
#: The number of objects, and whether they are compressed.
STORES = ((400, False), (4000, False), (400, True), (40_000, True))
SECONDS, BYTES_PER_SECOND = 0.03, 50e6


def main() -> None:
    configure_own_log()
    prepare()
    load_identities(generate_log.identities(users=5000, courses=20))
    sys.stdout.write(
        f"{'objects':>8} {'stored as':>10} {'seconds':>8} {'CPU s':>6} {'requests':>9} {'read MB':>8}"
        f" {'million lines':>14} {'interval':>15}\n"
    )
    for objects, compressed in STORES:
        show(objects, compressed=compressed)


def show(objects: int, *, compressed: bool) -> None:
    store = SimulatedStore(
        TOTAL_BYTES, objects, compressed=compressed, seconds=SECONDS, bytes_per_second=BYTES_PER_SECOND
    )
    source = SampledSource(lambda: store)
    figures = SampleFigures(source)
    place = {"source_provider": "LOCAL", "source_config": json.dumps({"key": str(HOME), "container": "."})}
    options = read_options(
        {**place, "transformer_type": "xapi", "dry_run": True, "log_to": "null", "sample": "auto", "workers": "2"}
    )
    began, cpu_began = time.perf_counter(), cpu_seconds()
    replay = Replay(options, source=source, observers=[figures])
    report = replay.replay(ProgressLog())
    document = inspection(Inspected(replay.profile, report, options, Measured(report.seconds, report.seconds)))
    figures.extrapolate(document)
    seconds, cpu = time.perf_counter() - began, cpu_seconds() - cpu_began
    low, high = (end / 1e6 for end in document["intervals"]["/contents/lines"])
    interval = f"{low:,.0f} to {high:,.0f}"
    sys.stdout.write(
        f"{objects:>8} {'gzip' if compressed else 'plain':>10} {seconds:>8.1f} {cpu:>6.1f} {store.requests:>9,}"
        f" {store.read_bytes / 1e6:>8,.0f} {store.lines / 1e6:>14,.0f} {interval:>15}\n"
    )
    sys.stdout.flush()


def cpu_seconds() -> float:
    """Return the CPU time of this process and of the workers that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
