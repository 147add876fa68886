"""Manage the runs in the ledger: list, show, watch, stop, resume, delete or prune them."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from log_replay.databases import database_reason
from log_replay.errors import ConfigurationError
from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import INCOMPLETE, errors_exit
from log_replay.management.replaying import run_replay
from log_replay.management.state import prepare_state
from log_replay.management.stdout import check_stdout, write_stdout
from log_replay.options import options_from
from log_replay.statement_log import configure_own_log
from log_replay.terminal_text import escape_controls

# Imports of the models are in functions: in the embedded database, prepare_state() creates their tables first.

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from log_replay.models import Run

LONGEST_DAYS = 36_525
LONGEST_INTERVAL_SECONDS = 3600.0
#: How long ``watch`` waits for a run whose processes are being started.
BEGIN_SECONDS = 600.0


class Command(LogReplayCommand):
    """Manage the runs in the ledger."""

    help = (
        "List the runs in the ledger; show the progress, counters and errors of one; watch it until it ends; ask its "
        "processes to stop; resume one that was interrupted; print its rejects; delete one; or prune runs that "
        "finished long ago. Deleting a run keeps the files and statements that it wrote."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add one subcommand for each action."""
        names = "list|show|watch|stop|resume|rejects|delete|prune"
        actions = parser.add_subparsers(dest="action", required=True, metavar=names)
        listing = actions.add_parser("list", help="list all runs, the latest first")
        listing.add_argument("--json", action="store_true", help="print JSON lines")
        for action, text in (
            ("show", "print the configuration, progress, counters and errors of a run as JSON"),
            ("resume", "continue a run where it stopped"),
            ("rejects", "print the rejects of a run, of all its processes, in the order of the source"),
            ("delete", "delete a run from the ledger"),
        ):
            actions.add_parser(action, help=text).add_argument("name", help="name of the run")
        watching = actions.add_parser(
            "watch", help="wait until a run begins, and show its progress until it ends; exit with 0 if it finished"
        )
        watching.add_argument("name", help="name of the run")
        watching.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="interval (default 2)")
        stopping = actions.add_parser("stop", help="ask all processes of a run to stop after their batch")
        stopping.add_argument("name", help="name of the run")
        stopping.add_argument("--undo", action="store_true", help="let processes join the run again")
        pruning = actions.add_parser("prune", help="delete runs that finished long ago from the ledger")
        pruning.add_argument("days", type=float, help="minimum age in days")
        pruning.add_argument("--unfinished", action="store_true", help="also delete runs that could be resumed")

    def handle(self, *_args: str, action: str, **given: Any) -> None:
        """Do the action."""
        configure_own_log()
        with errors_exit():
            prepare_state()
            try:
                self._do(action, given)
            except DatabaseError as error:
                reason = f"the ledger cannot be read ({database_reason(error)})"
                raise ConfigurationError(reason, hint="do its tables exist? migrate log_replay") from error

    def _do(self, action: str, given: dict[str, Any]) -> None:
        match action:
            case "list":
                self._list(as_json=given["json"])
            case "show":
                self._show(_run(given["name"]))
            case "watch":
                self._watch(given["name"], given["every"])
            case "stop":
                self._stop(_run(given["name"]), undo=given["undo"])
            case "rejects":
                self._rejects(_run(given["name"]))
            case "resume":
                _resume(_run(given["name"]))
            case "delete":
                self._delete(_run(given["name"]))
            case "prune":
                self._prune(given["days"], unfinished=given["unfinished"])

    def _list(self, *, as_json: bool) -> None:
        from log_replay.ledger.overview import as_dict, progress, runs, state  # noqa: PLC0415

        if as_json:
            self._print(*(json.dumps(as_dict(run)) for run in runs()))
            return
        lines = []
        for run in runs():
            updated = run.updated.strftime("%Y-%m-%d %H:%M")
            percent = progress(run).percent
            line = f"{run.name:<24} {state(run):<12} {percent:5.1f} %  {updated}  {run.reason}"
            lines.append(escape_controls(line))
        self._print(*lines)

    def _show(self, run: Run) -> None:
        from log_replay.ledger.overview import as_dict  # noqa: PLC0415

        self._print(json.dumps(as_dict(run), indent=2))

    def _watch(self, name: str, every_seconds: float) -> None:
        from log_replay.ledger.overview import as_dict  # noqa: PLC0415
        from log_replay.management.watching import RunWatch, as_table  # noqa: PLC0415

        if not 0 < every_seconds <= LONGEST_INTERVAL_SECONDS:
            raise ConfigurationError(f"--every {every_seconds:g} is not a valid number of seconds")
        self._wait_for(name, every_seconds)
        watch = RunWatch(self._answered(lambda: as_dict(_run(name))))
        if self.stdout.isatty():
            from rich.live import Live  # noqa: PLC0415 - slow to import, and only for terminals

            with Live(auto_refresh=False) as live:
                last = watch.until_end(lambda seen: live.update(as_table(seen), refresh=True), every_seconds)
        else:
            last = watch.until_end(lambda seen: self._print(seen.text), every_seconds)
        if last.shown["state"] != "finished":
            reason = escape_controls(last.shown["reason"] or "no process works on it")
            raise CommandError(f"the run {name} is {last.shown['state']}: {reason}", returncode=INCOMPLETE)

    def _answered(self, look: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
        """Return a function that waits for a database that restarts: the processes of the run do so as well."""
        from log_replay.ledger.database import translated  # noqa: PLC0415
        from log_replay.ledger.reconnecting import RETRY_SECONDS, until_answered  # noqa: PLC0415

        def looked() -> dict[str, Any]:
            say = cache(lambda: self.stderr.write("the database of the ledger does not answer; waiting for it"))
            with translated("watch the run"):
                return until_answered(look, retry_seconds=RETRY_SECONDS, poll_seconds=1, before_repeat=say)

        return looked

    def _wait_for(self, name: str, every_seconds: float) -> None:
        """Wait until a run has begun: pods take some time to start."""
        ends, said = time.monotonic() + BEGIN_SECONDS, False
        while True:
            try:
                _run(name)
            except ConfigurationError as error:
                if time.monotonic() > ends:
                    raise
                if not said:
                    self.stderr.write(escape_controls(f"{error}; waiting until it begins"))
                said = True
            else:
                return
            time.sleep(every_seconds)

    def _stop(self, run: Any, *, undo: bool) -> None:
        from log_replay.ledger.overview import processes  # noqa: PLC0415
        from log_replay.models import Run  # noqa: PLC0415

        Run.objects.filter(pk=run.pk).update(stop_requested=not undo)
        if undo:
            self.stderr.write(f"processes can join the run {run.name} again")
        else:
            self.stderr.write(f"asked {len(processes(run))} processes of the run {run.name} to stop after their batch")

    def _rejects(self, run: Run) -> None:
        from log_replay.ledger.rejects_parts import read_rejects_of  # noqa: PLC0415

        check_stdout()
        for chunk in read_rejects_of(run):
            if hasattr(self.stdout, "buffer"):
                write_stdout(chunk)
            else:
                self.stdout.write(chunk.decode(), ending="")

    def _print(self, *lines: str) -> None:
        """Print lines to stdout, or to the stream that ``call_command`` was given."""
        text = "".join(f"{line}\n" for line in lines)
        check_stdout()
        if hasattr(self.stdout, "buffer"):
            write_stdout(text.encode())
        else:
            self.stdout.write(text, ending="")

    def _delete(self, run: Run) -> None:
        from log_replay.ledger.lease import Lease  # noqa: PLC0415
        from log_replay.models import Run  # noqa: PLC0415

        lease = Lease(run.pk, run.name)
        lease.acquire()
        try:
            Run.objects.filter(pk=run.pk).delete()
        finally:
            lease.release()
        self.stderr.write(f"deleted the run {run.name}; the files and statements that it wrote are kept")

    def _prune(self, days: float, *, unfinished: bool) -> None:
        from log_replay.ledger.overview import forget_old  # noqa: PLC0415

        if not 0 <= days <= LONGEST_DAYS:
            raise ConfigurationError(f"{days:g} is not a valid number of days")
        names = forget_old(days, unfinished=unfinished)
        self._print(*names)
        self.stderr.write(f"deleted {len(names)} runs; the files and statements that they wrote are kept")


def _resume(run: Run) -> None:
    type(run).objects.filter(pk=run.pk).update(stop_requested=False)
    run_replay(options_from({**run.command, "run": run.name, "join": run.joined}))


def _run(name: str) -> Run:
    from log_replay.ledger.factory import runs_command  # noqa: PLC0415
    from log_replay.ledger.overview import runs  # noqa: PLC0415

    found = runs().filter(name=name).first()
    if found is None:
        raise ConfigurationError(f"the ledger has no run {name!r}", hint=f"{runs_command()} list shows the runs")
    return found
