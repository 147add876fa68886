"""The whole command against event-routing-backends' own command: ratios from one run, same database, same log.

    python -m tests.benchmarks.replay [--quick]

CPU time is that of the process and its workers, minus that of the same command on a log without lines. Upstream logs
through the LMS's ``logging.FileHandler``; ours does in one row, and through ``--log_to file:`` in the others. The logs
are of the mix ``site``: a third of the lines are known events.

CPU time in us a line of the mix ``site``, xAPI, with 36 % known events (2 cores, Python 3.11), by a sampling profiler:
making statements 1.3, of which parsing 0.3 and SHA-1 0.2; writing them 0.4, nearly all in the kernel; the prefilter
0.2; reading 0.2; users, courses and the pipeline's Python code 0.7. Where a known event is transformed in Python, as
without recipes, it takes 12 instead of 3.

What helped most: C code that makes statements from the bytes of a line, without objects for the event's fields (3 of
5.7); before, C code for the prefilter, for parsing events and for assembling statements (6 in all); fewer calls and
objects per statement (3); keeping freed blocks from the kernel (0.5). Then, of 4.1: steps in C for posts in forums, for
exams, and for objects whose ids differ too much between events for a cache (0.6); a parser that keeps its place in a
register (0.2); looking for long numbers eight characters at a time (0.1). What did not help: Cython and mypyc on the
same sources, smaller blocks, grouping a block's events by name.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from tests import generate_log
from tests.support.paths import TESTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


STAND_IN = TESTS / "identities" / "stand_in"

#: Runs a command. Upstream ends its run at an exception other than ValueError, but real logs have such events: here it
#: rejects them as it rejects the others.
PROGRAM = """
import sys, django
django.setup()
from django.core.management import load_command_class

def reject_all_errors():
    from event_routing_backends.processors.mixins.base_transformer_processor import BaseTransformerProcessorMixin
    from opaque_keys import InvalidKeyError

    original = BaseTransformerProcessorMixin.transform_event

    def transform_event(self, event):
        try:
            return original(self, event)
        except (AttributeError, LookupError, TypeError, InvalidKeyError) as error:
            raise ValueError(error) from error

    BaseTransformerProcessorMixin.transform_event = transform_event

if sys.argv[1] == "event_routing_backends":
    reject_all_errors()
load_command_class(sys.argv[1], "transform_tracking_logs").run_from_argv(["x", "y", *sys.argv[2:]])
"""


@dataclass
class Cost:
    cpu_seconds: float
    wall_seconds: float


class Bench:
    """A stand-in for edx-platform, with the database that both commands use."""

    def __init__(self, folder: Path, users: int, mix: str | None = None) -> None:
        self.folder = folder
        self.mix = mix
        self.users = users
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self.database = folder / "lms.sqlite3"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "lms_settings",
            "PYTHONPATH": f"{STAND_IN}{os.pathsep}{TESTS.parent}",
            "LMS_DATABASE": str(self.database),
            "PYTHONWARNINGS": "ignore",
            # Keep compiled modules, as an installation does: compiling would dominate the start-up.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(folder.parent / "pycache"),
        }
        directory = folder / "identities.json"
        directory.write_text(json.dumps(generate_log.identities(users=users, courses=20, mix=mix)))
        self._run([sys.executable, str(STAND_IN / "fill.py"), str(directory)])
        (self.logs / "empty.log").write_bytes(b"\n")

    def log(self, name: str, lines: int, known: float = 0.6) -> int:
        """Write a log and return its size. A mix has its own share of known events."""
        with (self.logs / name).open("wb") as out:
            log = generate_log.lines(count=lines, known=known, users=self.users, courses=20, seed=1, mix=self.mix)
            out.writelines(log)
        return (self.logs / name).stat().st_size

    def repeat(self, name: str, longer: str, times: int) -> None:
        """Write a log that contains another one several times."""
        with (self.logs / longer).open("wb") as out:
            for _ in range(times):
                out.write((self.logs / name).read_bytes())

    def upstream(self, name: str, kind: str = "xapi") -> Cost:
        return self._command("event_routing_backends", name, kind, "--sleep_between_batches_secs", "0")

    def ours(self, name: str, kind: str = "xapi", *more: str) -> Cost:
        log_to = ("--log_to", f"file:{self.database}.log", "--log_format", "raw")
        return self._command("log_replay", name, kind, "--destination_provider", "LOGGER", *log_to, *more)

    def ours_through_the_lms(self, name: str, kind: str = "xapi") -> Cost:
        return self._command("log_replay", name, kind, "--destination_provider", "LOGGER")

    def net(self, command, name: str, *arguments: str) -> Cost:
        """Return the cost of a log beyond the start-up: the least of five, since other processes disturb."""
        pairs = [(command("empty.log", *arguments), command(name, *arguments)) for _ in range(5)]
        start, whole = map(_least, zip(*pairs, strict=True))
        return Cost(whole.cpu_seconds - start.cpu_seconds, whole.wall_seconds - start.wall_seconds)

    def _command(self, app: str, name: str, kind: str, *more: str) -> Cost:
        source = json.dumps({"key": str(self.folder), "container": "logs", "prefix": name})
        arguments = ["--source_provider", "LOCAL", "--source_config", source, "--transformer_type", kind, *more]
        Path(f"{self.database}.log").unlink(missing_ok=True)
        return self._run([sys.executable, "-c", PROGRAM, app, *arguments])

    def _run(self, command: list[str]) -> Cost:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise SystemExit(done.stderr.decode()[-2000:])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(cpu, time.perf_counter() - began)


def _least(costs: Iterable[Cost]) -> Cost:
    measured = list(costs)
    return Cost(min(cost.cpu_seconds for cost in measured), min(cost.wall_seconds for cost in measured))


def floor_seconds(log: Path, statements: Path) -> float:
    """Return the CPU time of the floor: parse each line, serialise each statement, compute its id."""
    made = [orjson.loads(line) for line in statements.read_bytes().splitlines()]
    lines = log.read_bytes().splitlines()
    began = time.process_time()
    for line in lines:
        try:
            orjson.loads(line[line.find(b"{") :])
        except orjson.JSONDecodeError:
            continue
    for statement in made:
        orjson.dumps(statement)
        uuid.uuid5(uuid.NAMESPACE_URL, statement["id"] + statement["id"])
    return time.process_time() - began


def parse_seconds(log: Path) -> float:
    """Return the CPU time of reading a log and parsing every line."""
    began = time.process_time()
    with log.open("rb") as lines:
        for line in lines:
            try:
                orjson.loads(line[line.find(b"{") :])
            except orjson.JSONDecodeError:
                continue
    return time.process_time() - began


def peak_mb(bench: Bench, name: str) -> tuple[float, float]:
    """Return the peak resident memory of a run with two workers, in MB: the parent's, and the larger worker's."""
    source = json.dumps({"key": str(bench.folder), "container": "logs", "prefix": name})
    where = ["--source_provider", "LOCAL", "--source_config", source, "--transformer_type", "xapi"]
    two = ["--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "django", "replay_tracking_logs", *where, "--destination_provider", "LOGGER", *two],
        env=bench.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    parent = worker = 0.0
    while process.poll() is None:
        parent = max(parent, _resident_mb(process.pid))
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, check=False)
        worker = max([worker, *(_resident_mb(int(child)) for child in children.stdout.split())])
        time.sleep(0.2)
    return parent, worker


def _resident_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0


def row(what: str, measured: str, target: str) -> None:
    print(f"| {what} | {measured} | {target} |", flush=True)  # noqa: T201 - a script's output


def main() -> None:
    quick = "--quick" in sys.argv
    few, many = (1500, 30_000) if quick else (2000, 200_000)
    row("what", "measured", "target")
    row("---", "---", "---")
    with tempfile.TemporaryDirectory() as folder:
        for users, kind, target in (
            (5000, "xapi", 100),
            (200_000, "xapi", 100),
            (50, "xapi", 60),
            (5000, "caliper", 80),
        ):
            bench = Bench(Path(folder) / f"{users}-{kind}", users, "site")
            _against_upstream(bench, kind, few, many, target)
            if users == 50:
                _workers(bench)
        _unknown(Path(folder), quick=quick)
    _start_up()


def _against_upstream(bench: Bench, kind: str, few: int, many: int, target: int) -> None:
    """Measure a log like a real site's: long contexts, odd shapes, unknown users and courses."""
    bench.log("few.log", few)
    bench.log("many.log", many)
    theirs = bench.net(bench.upstream, "few.log", kind).cpu_seconds / few
    ours = bench.net(bench.ours, "many.log", kind).cpu_seconds / many
    row(f"{kind}, {bench.users} users: upstream / ours", f"{theirs / ours:.0f}x", f">= {target}x")
    row("CPU per line: upstream / ours", f"{theirs * 1e6:.0f} / {ours * 1e6:.1f} us", "")
    if (bench.users, kind) == (5000, "xapi"):
        floor = floor_seconds(bench.logs / "many.log", Path(f"{bench.database}.log")) / many
        row("ours / floor (parse, uuid5, serialise)", f"{ours / floor:.1f}x", "<= 2x")
        through_the_lms = bench.net(bench.ours_through_the_lms, "many.log", kind).cpu_seconds / many
        row("the same, through logging.FileHandler: upstream / ours", f"{theirs / through_the_lms:.0f}x", "")


def _workers(bench: Bench) -> None:
    # With few users: each worker looks up all of them, which would dominate so short a log.
    one, two = _marginal_walls(bench, (1, 2))
    row("2 workers, 50 users: wall of 1 / wall of 2", f"{one / two:.2f}x", ">= 1.7x on 2 idle cores")
    parent, worker = peak_mb(bench, "longer.log")
    row("peak RSS, parent / worker", f"{parent:.0f} / {worker:.0f} MB", "<= 150 / 200 MB")


def _marginal_walls(bench: Bench, counts: Sequence[int]) -> list[float]:
    """Return the extra time for a log that is five times as long, the least of nine, by the number of workers.

    The shorter log keeps every worker busy; an empty one would end before the workers have started.
    """
    bench.repeat("many.log", "longer.log", 5)
    walls: dict[tuple[int, str], list[float]] = defaultdict(list)
    for _ in range(9):
        for count, name in product(counts, ("many.log", "longer.log")):
            walls[count, name].append(bench.ours(name, "xapi", "--workers", str(count)).wall_seconds)
    return [min(walls[count, "longer.log"]) - min(walls[count, "many.log"]) for count in counts]


def _unknown(folder: Path, *, quick: bool) -> None:
    # Five times as long as the parsed log: a shorter one takes hardly more than the start-up.
    bench, times = Bench(folder / "unknown", 50), 5
    size = bench.log("unknown.log", 20_000 if quick else 200_000, 0.0)
    bench.repeat("unknown.log", "longer.log", times)
    ours = bench.net(bench.ours, "longer.log").cpu_seconds / times
    parsing = min(parse_seconds(bench.logs / "unknown.log") for _ in range(3))
    row("nothing known: reading and parsing every line / ours", f"{parsing / ours:.1f}x", ">= 4x")
    row("MB a second: parsing / ours", f"{size / parsing / 1e6:.0f} / {size / ours / 1e6:.0f}", "")


def _start_up() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "log_replay.standalone.settings"}
    program = "from log_replay.management.main import main; main()"
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", program, "transform_tracking_logs", "--help"],
            env=environment, check=True, capture_output=True,
        )  # fmt: skip
        times.append(time.perf_counter() - began)
    row("start-up: --help", f"{min(times):.2f} s", "< 1.0 s")


if __name__ == "__main__":
    main()
