"""Compare this checkout with another one: ratios of CPU time, measured in turn in one run.

    python -m tests.benchmarks.against ../before [--rounds 7] [--lines 100000] [--only "to a log"]

Both checkouts must be installed in their own ``.venv``. Each row runs the same command line in both, alternately, and
compares the least CPU time of all rounds: other load on the machine only ever adds time. The ratio is this checkout's
time divided by the other's, so that 1.03 is 3 % slower. ``make bench`` does not run this, since it needs a second
checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests import generate_log
from tests.support.paths import ROOT

XAPI, CALIPER = ["--transformer_type", "xapi"], ["--transformer_type", "caliper"]
TO_LOGGER = ["--destination_provider", "LOGGER"]
#: Stands for the name of the folder that a checkout writes to.
OUT = "FOLDER-OF-THE-CHECKOUT"


@dataclass
class Checkout:
    """An installed checkout with its own state folder."""

    root: Path
    home: Path

    def load(self, identities: Path) -> None:
        """Load users and courses, by the command's name in either checkout."""
        for name in ("load_identities", "load_directory"):
            if self._run(name, str(identities)) is not None:
                return
        raise SystemExit(f"{self.root}: users and courses cannot be loaded")

    def cpu_seconds(self, *arguments: str) -> float:
        """Return the CPU time of one command with its workers."""
        seconds = self._run(*arguments)
        if seconds is None:
            raise SystemExit(f"{self.root}: log-replay {' '.join(arguments)} failed")
        return seconds

    def _run(self, *arguments: str) -> float | None:
        environment = {**os.environ, "LOG_REPLAY_HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": ""}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Each checkout writes its own files: a manifest of one release may be foreign to the other.
        own = [argument.replace(OUT, self.home.name) for argument in arguments]
        done = subprocess.run(
            [str(self.root / ".venv/bin/log-replay"), *own],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            return None
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rows(folder: Path) -> dict[str, list[str]]:
    """Return the command line of each row, without the program's name."""

    def replay(container: str, *more: str) -> list[str]:
        source = json.dumps({"key": str(folder), "container": container})
        return ["transform_tracking_logs", "--source_provider", "LOCAL", "--source_config", source, *more]

    def files(**config: str) -> list[str]:
        config = {"key": str(folder), "container": OUT, **config}
        return ["--destination_provider", "LOCAL", "--destination_config", json.dumps(config)]

    raw = [*TO_LOGGER, "--log_to", f"file:{folder / 'statements.log'}", "--log_format", "raw"]
    return {
        "xAPI to a log": replay("known", *XAPI, *raw),
        "xAPI to a log, aspects": replay("known", *XAPI, *raw[:-1], "aspects"),
        "xAPI to a log, json": replay("known", *XAPI, *raw[:-1], "json"),
        "Caliper to a log": replay("known", *CALIPER, *raw),
        "xAPI to a log, 2 workers": replay("known", *XAPI, *raw, "--workers", "2"),
        "xAPI to files": replay("known", *XAPI, *files()),
        "xAPI to files, gzip": replay("known", *XAPI, *files(compression="gzip")),
        "nothing known": replay("unknown", *XAPI, *raw),
        "gzip objects": replay("compressed", *XAPI, *raw),
        "500 small objects": replay("small", *XAPI, *raw),
        "an empty log": replay("empty", *XAPI, *raw),
        "--help": ["transform_tracking_logs", "--help"],
    }


def write_logs(folder: Path, lines: int) -> None:
    """Write the folders that the rows replay."""
    import gzip

    for name in ("known", "unknown", "compressed", "small", "empty", "ours", "other"):
        (folder / name).mkdir()
    known = list(generate_log.lines(count=lines, known=0.6, users=500, courses=20, seed=1))
    (folder / "known" / "a.log").write_bytes(b"".join(known))
    (folder / "compressed" / "a.log.gz").write_bytes(gzip.compress(b"".join(known), 1))
    unknown = b"".join(generate_log.lines(count=lines, known=0.0, users=500, courses=20, seed=2))
    (folder / "unknown" / "a.log").write_bytes(unknown * 5)
    for number in range(500):
        (folder / "small" / f"{number:03}.log").write_bytes(b"".join(known[number * 20 : number * 20 + 20]))
    (folder / "empty" / "a.log").write_bytes(b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare this checkout with another one.")
    parser.add_argument("other", type=Path, help="the root of the other checkout")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--only", default="", help="only the rows whose name contains this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_logs(folder, options.lines)
        identities = folder / "identities.json"
        identities.write_text(json.dumps(generate_log.identities(users=500, courses=20)))
        ours, other = Checkout(ROOT, folder / "ours"), Checkout(options.other.absolute(), folder / "other")
        for checkout in (ours, other):
            checkout.load(identities)
        print("| CPU seconds, least of the rounds | this checkout | the other | ratio |")  # noqa: T201 - a script's output
        print("|---|---|---|---|", flush=True)  # noqa: T201 - likewise
        for what, arguments in rows(folder).items():
            if options.only not in what:
                continue
            pairs = [(ours.cpu_seconds(*arguments), other.cpu_seconds(*arguments)) for _ in range(options.rounds)]
            mine, theirs = map(min, zip(*pairs, strict=True))
            print(f"| {what} | {mine:.2f} | {theirs:.2f} | {mine / theirs:.3f} |", flush=True)  # noqa: T201 - likewise


if __name__ == "__main__":
    sys.exit(main())
