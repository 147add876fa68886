"""Processes that join a run, on MariaDB: ratios from one run. ``python -m tests.benchmarks.join [--quick]``.

- Speed: two joined processes against one, and against one with ``--workers 2``: the time from the first start of a
  replay to the last end, and the CPU time of all processes. Two processes need two free cores.
- Cost: the CPU time of one joined process against a plain named run, both with units and batches of the default sizes:
  the median of pairs that take turns. The log has 0.7 GB, three groups. That is less than a run that is worth joining,
  so what each run costs once weighs more here than there.
- Ledger: claims and acknowledgements a second from 64 simulated processes, and the CPU time of MariaDB for each. 64
  processes at 100,000 lines a second need 640 acknowledgements a second, at 10,000 events a batch if every line is an
  event, and 33 claims. The simulated processes share the cores with MariaDB and need most of them: Python's part of an
  acknowledgement is several times that of the database. So the capacity is computed from the CPU time of MariaDB.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests import generate_log
from tests.support import database_servers

LINES, QUICK_LINES = 600_000, 60_000
PAIRS, QUICK_PAIRS = 3, 1
COST_PAIRS, QUICK_COST_PAIRS = 12, 3
NEEDED_PER_SECOND = 64 * 100_000 / 10_000
SIMULATED, SIMULATED_IN_ONE = 64, 16

#: Replays, and prints when it began and ended, and its CPU time.
REPLAY = """
import json, resource, sys, time
import django; django.setup()
import argparse
from log_replay.options import read_options
from log_replay.options.arguments import add_arguments
from log_replay.pipeline.joined_run import JoinedReplay
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.statement_log import configure_own_log
configure_own_log()
parser = argparse.ArgumentParser(); add_arguments(parser)
options = read_options(vars(parser.parse_args(sys.argv[1:])))
replay = (JoinedReplay if options.join else Replay)(options)
def cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
print("ready", flush=True)
sys.stdin.readline()
began, cpu_began = time.monotonic(), cpu()
report = replay.replay(ProgressLog())
assert report.complete, report.stopped
print(json.dumps({"began": began, "ended": time.monotonic(), "cpu": cpu() - cpu_began}))
"""
#: Claims groups and acknowledges batches in threads, for some seconds, and prints how many.
SIMULATE = """
import json, sys, threading, time
import django; django.setup()
from log_replay.ledger.joined import JoinedLedger
from log_replay.ledger.joined.claims import Claims
from log_replay.models import Run
from log_replay.records import Delivery
from log_replay.report import Report
from log_replay.records import Position
process, threads, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
counts = {"claims": 0, "acknowledgements": 0}
lock = threading.Lock()
output = {"name": "xapi_0123456789ab_0123456789ab_000000000000.jsonl", "object": "tracking.log", "first": 0, "last": 9,
          "events": 10000, "statements": 10000, "bytes": 10000000, "sha256": "0" * 64}
delivery = Delivery(delivered=0, acknowledgement={"outputs": [output]})
def simulate(number):
    ledger = JoinedLedger(Run.objects.get(), lambda _: "", lease_seconds=60)
    ledger._claims = claims = Claims(ledger._run.pk, 60, f"process {process} {number}")
    while time.monotonic() < ends:
        claim = claims.claim_next()
        with lock:
            counts["claims"] += 1
        report = Report()
        ledger.open_group(claim.group.number, report, 0)
        (row,) = ledger._rows(claim)
        unit = ledger._unit_to_do(row)
        report.begin(unit)
        ledger.begin(unit)
        for _ in range(20):
            report.position = Position(unit.object.name, report.position.offset + 1)
            ledger.acknowledge(report, [], delivery, [])
            with lock:
                counts["acknowledgements"] += 1
        ledger.end_units()
        ledger.finish_group(report, 0)
workers = [threading.Thread(target=simulate, args=[number]) for number in range(threads)]
print("ready", flush=True)
sys.stdin.readline()
ends = time.monotonic() + seconds
for worker in workers: worker.start()
for worker in workers: worker.join()
print(json.dumps(counts))
"""
PLAN = """
import django; django.setup()
from log_replay.models import Run, RunGroup, RunUnit
run = Run.objects.create(name="simulated", planned=True, joined=True)
for begin in range(0, 20000, 1000):
    numbers = range(begin, begin + 1000)
    RunGroup.objects.bulk_create(RunGroup(run=run, number=number) for number in numbers)
    RunUnit.objects.bulk_create(RunUnit(run=run, number=number, group=number, object="tracking.log", start=number << 28,
                                        end=(number + 1) << 28) for number in numbers)
"""


def show(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def together(environment: dict[str, str], commands: list[list[str]]) -> list[dict[str, Any]]:
    """Start processes, let them begin at the same time, and return what each prints at its end."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", *command],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for command in commands
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    printed = [json.loads(process.communicate()[0]) for process in processes]
    assert not any(process.returncode for process in processes)
    return printed


class Speed:
    """Runs of one log, each into a folder of its own."""

    def __init__(self, environment: dict[str, str], home: Path) -> None:
        self._environment = environment
        self._home = home
        self._runs = 0

    def measure(self, processes: int, *options: str) -> tuple[float, float]:
        """Return the time and the CPU time of a run."""
        self._runs += 1
        out = self._home / f"out-{self._runs}"
        out.mkdir()
        command = [
            REPLAY, "--transformer_type", "xapi", "--log_to", "null", "--unit_size", "16MB", "--add_external_ids", "no",
            "--source_provider", "LOCAL", "--source_config", json.dumps({"key": str(self._home), "container": "logs"}),
            "--destination_provider", "LOCAL", "--destination_config",
            json.dumps({"key": str(self._home), "container": out.name}), "--run", out.name, *options,
        ]  # fmt: skip
        printed = together(self._environment, [command] * processes)
        shutil.rmtree(out)  # or the disk would be busy with it during the next runs
        seconds = max(each["ended"] for each in printed) - min(each["began"] for each in printed)
        return seconds, sum(each["cpu"] for each in printed)


def show_speed(speed: Speed, pairs: int) -> None:
    kinds = {
        "1 joined": (1, ["--join"]),
        "2 joined": (2, ["--join"]),
        "--workers 2": (1, ["--workers", "2"]),
    }
    best: dict[str, tuple[float, float]] = {}
    for _ in range(pairs):
        for kind, (processes, options) in kinds.items():
            seconds, cpu = speed.measure(processes, *options)
            known = best.get(kind, (seconds, cpu))
            best[kind] = min(known[0], seconds), min(known[1], cpu)
    for kind, (seconds, cpu) in best.items():
        show(f"{kind:<12} {seconds:7.2f} s {cpu:7.2f} s of CPU")
    show(f"2 joined against 1 joined:      {best['1 joined'][0] / best['2 joined'][0]:.2f}x (at least 1.7)")
    show(f"2 joined against --workers 2:   {best['--workers 2'][0] / best['2 joined'][0]:.2f}x (at least 1)")


def show_cost(speed: Speed, pairs: int) -> None:
    """Show the median cost of joined runs against plain ones, in pairs that begin with either."""
    variants = {"plain": ["--unit_size", "256MB"], "joined": ["--unit_size", "256MB", "--join"]}
    ratios = []
    for number in range(pairs):
        order = sorted(variants, reverse=bool(number % 2))
        cpu = {name: speed.measure(1, *variants[name])[1] for name in order}
        ratios.append(cpu["joined"] / cpu["plain"] - 1)
    low, _, high = statistics.quantiles(ratios)
    show(
        f"CPU of --join for one process:  {statistics.median(ratios):+.1%} (at most 1 %);"
        f" half of {pairs} pairs from {low:+.1%} to {high:+.1%}"
    )


def show_ledger(server: database_servers.DatabaseServer, seconds: float) -> None:
    subprocess.run([sys.executable, "-c", PLAN], env=server.environment, check=True)
    began = server.cpu_seconds()
    commands = [
        [SIMULATE, str(number), str(SIMULATED_IN_ONE), str(seconds)] for number in range(SIMULATED // SIMULATED_IN_ONE)
    ]
    printed = together(server.environment, commands)
    claims, acknowledgements = (sum(each[name] for each in printed) for name in ("claims", "acknowledgements"))
    cpu = (server.cpu_seconds() - began) / (claims + acknowledgements)
    show(
        f"{SIMULATED} simulated processes: {claims / seconds:,.0f} claims and {acknowledgements / seconds:,.0f}"
        " acknowledgements a second, with Python on the same cores"
    )
    capacity = (os.cpu_count() or 1) / cpu
    show(
        f"MariaDB: {cpu * 1e6:,.0f} us of CPU for each; {os.cpu_count()} cores sustain {capacity:,.0f} a second,"
        f" {capacity / NEEDED_PER_SECOND:.1f} times what 64 processes need (at least 5)"
    )


def main() -> None:
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory(prefix="log-replay-bench-") as folder:
        home = Path(folder)
        (home / "logs").mkdir()
        (home / "database").mkdir()
        with (home / "logs" / "tracking.log").open("wb") as log:
            log.writelines(generate_log.lines(count=QUICK_LINES if quick else LINES, known=0.6, users=2000, courses=20))
        identities = generate_log.identities(users=2000, courses=20)
        with database_servers.mariadb(home / "database", identities) as server:
            show_ledger(server, 3 if quick else 10)
            speed, pairs = Speed(server.environment, home), QUICK_PAIRS if quick else PAIRS
            show_speed(speed, pairs)
            show_cost(speed, QUICK_COST_PAIRS if quick else COST_PAIRS)


if __name__ == "__main__":
    main()
