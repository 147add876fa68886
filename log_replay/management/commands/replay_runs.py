"""The runs in the ledger: list them, show one, resume it, delete it, or all that are old."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management import call_command
from django.db import DatabaseError

from log_replay.errors import ConfigurationError
from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import errors_exit
from log_replay.management.state import prepare_state

if TYPE_CHECKING:
    import argparse

    from log_replay.models import Run

#: A century.
MOST_DAYS = 36_525


class Command(LogReplayCommand):
    """Look after the runs in the ledger."""

    help = (
        "List the runs in the ledger, show one (progress, counters, failures), resume one that was interrupted, "
        "delete one, or prune those that finished long ago, which takes nothing away but what is known about them."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what can be done with runs."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|resume|delete|prune")
        listing = actions.add_parser("list", help="all runs, the latest first")
        listing.add_argument("--json", action="store_true", help="as JSON lines")
        for action, meaning in (
            ("show", "its configuration, progress, counters and failures, as JSON"),
            ("resume", "go on where it was interrupted"),
            ("delete", "forget it"),
        ):
            actions.add_parser(action, help=meaning).add_argument("name", help="the run's name")
        pruning = actions.add_parser("prune", help="forget the runs that finished long ago")
        pruning.add_argument("days", type=float, help="how many days ago at least")
        pruning.add_argument("--unfinished", action="store_true", help="those that could be resumed as well")

    def handle(self, *_args: str, action: str, **given: Any) -> None:
        """Do it."""
        with errors_exit():
            prepare_state()
            try:
                self._do(action, given)
            except DatabaseError as error:
                raise ConfigurationError(
                    f"the ledger cannot be read ({type(error).__name__})", hint="has it been migrated?"
                ) from error

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
        from log_replay.ledger.overview import as_dict, progress, runs, state  # noqa: PLC0415 - needs the models

        if as_json:
            for run in runs():
                self.stdout.write(json.dumps(as_dict(run)))
            return
        for run in runs():
            when = run.updated.strftime("%Y-%m-%d %H:%M")
            self.stdout.write(f"{run.name:<24} {state(run):<12} {progress(run).percent:5.1f} %  {when}  {run.reason}")

    def _show(self, run: Run) -> None:
        from log_replay.ledger.overview import as_dict  # noqa: PLC0415 - needs the models

        self.stdout.write(json.dumps(as_dict(run), indent=2, ensure_ascii=False))

    def _delete(self, run: Run) -> None:
        from log_replay.ledger.lease import Lease  # noqa: PLC0415 - as above
        from log_replay.models import Run  # noqa: PLC0415 - as above

        lease = Lease(run.pk, run.name)
        lease.take()
        try:
            Run.objects.filter(pk=run.pk).delete()
        finally:
            lease.give_back()
        self.stderr.write(f"deleted the run {run.name}; what it wrote is still where it wrote it")

    def _prune(self, days: float, *, unfinished: bool) -> None:
        from log_replay.ledger.overview import forget_old  # noqa: PLC0415 - as above

        if not 0 <= days <= MOST_DAYS:
            raise ConfigurationError(f"{days:g} is no number of days")
        names = forget_old(days, unfinished=unfinished)
        for name in names:
            self.stdout.write(name)
        self.stderr.write(f"deleted {len(names)} runs; what they wrote is still where they wrote it")


def _resume(run: Run) -> None:
    from log_replay.ledger.run_configuration import command_line  # noqa: PLC0415 - as above

    call_command("replay_tracking_logs", *command_line(run.command), "--run", run.name)


def _run(name: str) -> Run:
    from log_replay.ledger.overview import runs  # noqa: PLC0415 - as above

    found = runs().filter(name=name).first()
    if found is None:
        raise ConfigurationError(f"there is no run {name!r}", hint="replay_runs list")
    return found
