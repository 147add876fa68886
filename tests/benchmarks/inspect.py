"""The cost of the report of a dry run: CPU time with the report divided by CPU time without it, validation aside.

    python -m tests.benchmarks.inspect [--quick]

Both kinds of run alternate in one process, and the least CPU time of each counts: other load on the machine only ever
adds time. Statements are logged nowhere, which makes the share of the report larger than with a log.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.replay import Bench, row
from tests.support.paths import TESTS

ROUNDS = 7
TARGET = "<= 1.15"
LOGS = (
    ("5,000 users, 60 % known", 5000, None, 0.6),
    ("50 users, 60 % known", 50, None, 0.6),
    ("5,000 users, the mix `site`", 5000, "site", 0.6),
    ("nothing known", 50, None, 0.0),
)


def measure(folder: str, name: str, kind: str) -> None:
    """Print the ratio and both CPU times in us a line, as JSON. It runs in the stand-in for edx-platform."""
    import django

    django.setup()
    from log_replay.options import read_options
    from log_replay.options.arguments import add_arguments
    from log_replay.pipeline.run import Replay
    from log_replay.report.progress import ProgressLog
    from log_replay.sinks.discard import Discard

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    source = json.dumps({"key": folder, "container": "logs", "prefix": name})
    given = ["--source_provider", "LOCAL", "--source_config", source, "--transformer_type", kind, "--dry_run"]
    options = read_options(vars(parser.parse_args([*given, "--no-validate", "--log_to", "null"])))
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * ROUNDS):
        reported = bool(number % 2)
        # A run with a sink of its own has no report.
        run = Replay(options) if reported else Replay(options, sink=Discard())
        began = time.process_time()
        report = run.replay(ProgressLog())
        times[reported].append(time.process_time() - began)
    without, with_report = min(times[False]), min(times[True])
    lines = report.total.lines
    print(json.dumps([with_report / without, 1e6 * without / lines, 1e6 * with_report / lines]))  # noqa: T201 - as said


def main() -> None:
    lines = 30_000 if "--quick" in sys.argv else 150_000
    row("what", "measured", "target")
    row("---", "---", "---")
    with tempfile.TemporaryDirectory() as folder:
        for number, (title, users, mix, known) in enumerate(LOGS):
            bench = Bench(Path(folder) / str(number), users, mix)
            bench.log("many.log", lines, known)
            for kind in ("xapi", "caliper") if not number else ("xapi",):
                command = [
                    sys.executable,
                    "-m",
                    "tests.benchmarks.inspect",
                    "--measure",
                    str(bench.folder),
                    "many.log",
                    kind,
                ]
                done = subprocess.run(
                    command, env=bench.environment, cwd=TESTS.parent, capture_output=True, check=False
                )
                if done.returncode:
                    raise SystemExit(done.stderr.decode()[-2000:])
                ratio, without, with_report = json.loads(done.stdout)
                row(f"{kind}, {title}: with the report / without", f"{ratio:.2f}", TARGET)
                row("CPU per line: without / with", f"{without:.2f} / {with_report:.2f} us", "")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    if "--measure" in sys.argv:
        measure(*sys.argv[sys.argv.index("--measure") + 1 :])
    else:
        main()
