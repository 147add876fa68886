"""Manage the runs in the ledger: list, show, resume, delete or prune them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from log_replay.databases import database_reason
from log_replay.errors import ConfigurationError
from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import errors_exit
from log_replay.management.replaying import run_replay
from log_replay.management.state import prepare_state
from log_replay.management.stdout import check_stdout, write_stdout
from log_replay.options import options_from
from log_replay.statement_log import configure_own_log
from log_replay.terminal_text import escape_controls

# Imports of the models are in functions: in the embedded database, prepare_state() creates their tables first.

if TYPE_CHECKING:
    import argparse

    from log_replay.models import Run

LONGEST_DAYS = 36_525


class Command(LogReplayCommand):
    """Manage the runs in the ledger."""

    help = (
        "List the runs in the ledger; show the progress, counters and errors of one; resume one that was interrupted; "
        "delete one; or prune runs that finished long ago. Deleting a run keeps the files and statements that it wrote."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add one subcommand for each action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|resume|delete|prune")
        listing = actions.add_parser("list", help="list all runs, the latest first")
        listing.add_argument("--json", action="store_true", help="print JSON lines")
        for action, text in (
            ("show", "print the configuration, progress, counters and errors of a run as JSON"),
            ("resume", "continue a run where it stopped"),
            ("delete", "delete a run from the ledger"),
        ):
            actions.add_parser(action, help=text).add_argument("name", help="name of the run")
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
    run_replay(options_from({**run.command, "run": run.name, "join": run.joined}))


def _run(name: str) -> Run:
    from log_replay.ledger.factory import runs_command  # noqa: PLC0415
    from log_replay.ledger.overview import runs  # noqa: PLC0415

    found = runs().filter(name=name).first()
    if found is None:
        raise ConfigurationError(f"the ledger has no run {name!r}", hint=f"{runs_command()} list shows the runs")
    return found
