"""The rows of the table of options that are about the run in the ledger, and the processes that work on it."""
# ruff: noqa: RUF009 - option() returns a dataclass field

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_replay.options.option import FAILURES, option
from log_replay.options.report_options import ReportOptions
from log_replay.options.values import LONGEST_SECONDS, between, positive, read_path

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class RunOptions(ReportOptions):
    """The options of the run, and those of its report."""

    # fmt: off
    run: str | None = option(
        FAILURES,
        "Name of the run in the ledger. If a run of this name was interrupted, resume it. Runs that store or send "
        "statements get a name of their own if none is given; replay_runs lists them.",
        metavar="NAME", stored=False,
    )
    join: bool = option(
        FAILURES,
        "Work on the run of --run together with other processes that are started with the same command, on any number "
        "of machines: each replays other parts of the logs. All need the same ledger, in MySQL, MariaDB or PostgreSQL "
        "or SQLite on one machine.",
        flag=True, needs="run", stored=False,
    )
    lease_secs: float = option(
        FAILURES,
        "With --join: another process takes over the work of one that has not answered for this time (default 60).",
        type=float, read=between(1, LONGEST_SECONDS), default=60.0, metavar="SECONDS",
    )
    kubernetes: bool = option(
        FAILURES,
        "Print the manifest of a Kubernetes Job whose pods work on this run with --join, and do nothing else.",
        flag=True, needs="run", stored=False,
    )
    parallelism: int | None = option(
        FAILURES,
        "Number of pods for --kubernetes (default 8).",
        type=int, read=positive, metavar="N", needs="kubernetes", stored=False,
    )
    image: str | None = option(
        FAILURES,
        "Image for --kubernetes that contains log-replay (default: a Python image, in which each pod installs it).",
        metavar="IMAGE", needs="kubernetes", stored=False,
    )
    termination_log: Path | None = option(
        FAILURES,
        "Write the result of the run, in at most 4 KB of JSON, to this file if it exists. A pod of Kubernetes has "
        "/dev/termination-log.",
        read=read_path, metavar="PATH", stored=False,
    )
    grace_secs: float = option(
        FAILURES,
        "Seconds for finishing the current batch after SIGTERM or Ctrl-C (default 20). A second signal ends the run "
        "at once.",
        type=float, read=between(0, LONGEST_SECONDS), default=20.0, metavar="SECONDS",
    )
    # fmt: on
