"""Many small objects against one object with the same lines, and compressed objects with workers.

    python -m tests.benchmarks.objects [--quick]

It takes about fifteen minutes on two idle cores, and three with ``--quick``. Wall times are the least of several runs
that take turns, beyond those of an empty log. On a busy machine only the CPU times are meaningful.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests import generate_log
from tests.benchmarks.replay import Bench, Cost, row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DELAY_SECONDS = 0.05
#: Compressed, this number of lines takes about 100 KB.
PIECE_LINES = 1000
ROUNDS = 3


class Objects(Bench):
    """The same lines in many forms."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, users=500)
        lines = generate_log.lines(count=2000, known=0.6, users=500, courses=20, seed=1)
        self.lines = list(lines)
        self.stored = folder / "stored"
        self.stored.mkdir()

    def net_of(self, *variants: list[str], rounds: int = ROUNDS) -> list[Cost]:
        """Return the cost of each variant beyond the start-up: the least of runs that take turns."""
        measured: list[list[Cost]] = [[] for _ in range(2 * len(variants))]
        for _ in range(rounds):
            for number, variant in enumerate(variants):
                workers = [word for word in variant if word in {"--workers", "2"}]
                measured[2 * number].append(self._replay(*local(self, "empty.log"), *workers))
                measured[2 * number + 1].append(self._replay(*variant))
        least = [Cost(min(c.cpu_seconds for c in costs), min(c.wall_seconds for c in costs)) for costs in measured]
        return [
            Cost(whole.cpu_seconds - start.cpu_seconds, whole.wall_seconds - start.wall_seconds)
            for start, whole in zip(least[::2], least[1::2], strict=True)
        ]

    def _replay(self, *arguments: str) -> Cost:
        log_to = ["--destination_provider", "LOGGER", "--log_to", "null"]
        program = [sys.executable, "-m", "django", "replay_tracking_logs", "--transformer_type", "xapi"]
        return self._run([*program, *log_to, *arguments])

    @contextmanager
    def store(self, objects: Mapping[str, str]) -> Iterator[int]:
        """Start a store with these objects, each with the content of a file, and yield its port."""
        (self.stored / "objects.json").write_text(json.dumps(objects))
        command = [sys.executable, "-m", "tests.support.delayed_store", str(self.stored), str(DELAY_SECONDS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            try:
                yield int(server.stdout.readline())
            finally:
                server.kill()


def local(bench: Objects, prefix: str) -> list[str]:
    config = json.dumps({"key": str(bench.folder), "container": "logs", "prefix": prefix})
    return ["--source_provider", "LOCAL", "--source_config", config]


def cloud(port: int, prefix: str) -> list[str]:
    config = {"key": "k", "secret": "s", "host": "127.0.0.1", "port": port, "secure": False}
    config = {**config, "container": "logs", "prefix": prefix}
    return ["--source_provider", "MINIO", "--source_config", json.dumps(config)]


def delayed(bench: Objects, count: int, rounds: int) -> None:
    """Measure objects of about 100 KB in a store with a delay, against one object with the same lines."""
    piece = gzip.compress(b"".join(bench.lines[:PIECE_LINES]), 6)
    (bench.stored / "piece").write_bytes(piece)
    (bench.stored / "whole").write_bytes(piece * count)
    names = {f"many/{number:06}.gz": "piece" for number in range(count)}
    names |= {f"few/{number:06}.gz": "piece" for number in range(count // 20)}
    with bench.store({**names, "one/all.gz": "whole"}) as port:
        many, one, few = (cloud(port, prefix) for prefix in ("many/", "one/", "few/"))
        costs = bench.net_of(many, one, [*many, "--workers", "2"], [*one, "--workers", "2"], rounds=rounds)
        (unhidden,) = bench.net_of([*few, "--read_ahead", "0"], rounds=1)
    what = f"{count:,} gz objects of {len(piece) >> 10} KB, {DELAY_SECONDS * 1000:.0f} ms delay"
    row(f"{what}: wall / one object", f"{costs[0].wall_seconds / costs[1].wall_seconds:.2f}", "<= 1.3")
    row("the same with 2 workers", f"{costs[2].wall_seconds / costs[3].wall_seconds:.2f}", "<= 1.3")
    row("the same without reading ahead", f"{20 * unhidden.wall_seconds / costs[1].wall_seconds:.2f}", "")
    row("CPU: many / one", f"{costs[0].cpu_seconds / costs[1].cpu_seconds:.2f}", "")
    row("CPU of one object", f"{costs[1].cpu_seconds / count / PIECE_LINES * 1e6:.1f} us a line", "")


def small_files(bench: Objects, count: int) -> None:
    """Measure files of 50 lines, plain and compressed, against one file."""
    for number in range(count):
        at = number % 40 * 50
        text = b"".join(bench.lines[at : at + 50])
        (bench.logs / f"plain-{number:06}.log").write_bytes(text)
        (bench.logs / f"small-{number:06}.gz").write_bytes(gzip.compress(text, 6))
        (bench.stored / f"{number % 40}").write_bytes(gzip.compress(text, 6))
    (bench.logs / "one.log").write_bytes(b"".join(bench.lines) * (count * 50 // 2000))
    two = ["--workers", "2"]
    plain, packed, one = local(bench, "plain-"), local(bench, "small-"), local(bench, "one.log")
    costs = bench.net_of(plain, packed, one, [*plain, *two], [*packed, *two], [*one, *two])
    per_line = [cost.cpu_seconds / (count * 50) * 1e6 for cost in costs]
    for name, at in (("1 process", 0), ("2 workers", 3)):
        what = f"{count} files of 50 lines, {name}: CPU of plain / gz / one file"
        row(what, f"{per_line[at]:.1f} / {per_line[at + 1]:.1f} / {per_line[at + 2]:.1f} us a line", "")
        row("plain / one file", f"{per_line[at] / per_line[at + 2]:.2f}", "<= 1.2")
    stored = count // 5
    with bench.store({f"{number:06}.gz": str(number % 40) for number in range(stored)}) as port:
        (cost,) = bench.net_of(cloud(port, ""))
    row(f"S3, {stored} gz objects of 50 lines: CPU", f"{cost.cpu_seconds / stored / 50 * 1e6:.0f} us a line", "<= 20")


def workers(bench: Objects, times: int) -> None:
    """Measure two workers against one process, with compressed and plain logs.

    The logs are long: in a short run, the time that a worker takes to start is a part of the work that differs.
    """
    text = b"".join(bench.lines)
    (bench.logs / "large.gz").write_bytes(gzip.compress(text, 6) * times)
    (bench.logs / "large.log").write_bytes(text * times)
    for number in range(times):
        (bench.logs / f"daily-{number:04}.gz").write_bytes(gzip.compress(text, 6))
    for what, prefix, target in (
        ("one .gz", "large.gz", 1.6),
        ("many .gz", "daily-", 1.6),
        ("plain", "large.log", 1.8),
    ):
        source = local(bench, prefix)
        one, two = bench.net_of(source, [*source, "--workers", "2"])
        row(f"{what}: wall of 1 / wall of 2 workers", f"{one.wall_seconds / two.wall_seconds:.2f}x", f">= {target}x")
        row("CPU of 2 workers / CPU of 1", f"{two.cpu_seconds / one.cpu_seconds:.2f}", "")


def main() -> None:
    quick = "--quick" in sys.argv
    row("what", "measured", "target")
    row("---", "---", "---")
    with tempfile.TemporaryDirectory() as folder:
        bench = Objects(Path(folder) / "objects")
        delayed(bench, *((100, 3) if quick else (10_000, 1)))
        small_files(bench, 1000 if quick else 10_000)
        workers(bench, 250 if quick else 1500)


if __name__ == "__main__":
    main()
