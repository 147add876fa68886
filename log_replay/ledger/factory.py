"""Open the ledger of a run: an existing one by its name, a new one, or none."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from log_replay.databases import database_reason
from log_replay.errors import ConfigurationError
from log_replay.ledger import Ledger
from log_replay.ledger.database import DatabaseLedger
from log_replay.ledger.run_configuration import check_same, identity, stored_command
from log_replay.models import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_replay.options import Options
    from log_replay.records import SourceObject

log = structlog.get_logger(__name__)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def open_ledger(options: Options, read_head: Callable[[SourceObject], str]) -> Ledger:
    """Open the ledger of a run, without writing to it yet.

    Runs that store or send statements have a ledger in any case; without ``--run``, they get a new name. Runs that only
    log statements have one only with ``--run``.

    Args:
        options: the configuration of the run.
        read_head: see ``DatabaseLedger``.

    Raises:
        ConfigurationError: the run of this name has a different configuration, or the run can never be resumed.
    """
    if options.run is None and (options.dry_run or options.destination.provider == "LOGGER"):
        return Ledger()
    if options.source.provider == "STDIN":
        if options.run is None:
            return Ledger()
        raise ConfigurationError(
            "--run cannot be used with STDIN: standard input can be read only once, so the run could not be resumed",
            hint="save the log to a file and replay the file from LOCAL",
        )
    try:
        run = _new_run(options, _new_name()) if options.run is None else _existing_or_new_run(options, options.run)
        if options.join:
            from log_replay.ledger.joined import JoinedLedger  # noqa: PLC0415 - only these runs need it

            return JoinedLedger(run, read_head, lease_seconds=options.lease_secs)
        return DatabaseLedger(run, read_head)
    except DatabaseError as error:
        if options.run is None:
            log.warning("this run cannot be resumed: the ledger is not available", reason=database_reason(error))
            return Ledger()
        raise ConfigurationError(
            f"the tables of the ledger cannot be read ({database_reason(error)})",
            hint=f"{program()} migrate log_replay",
        ) from error


def resume_command(name: str, command: Mapping[str, object]) -> str:
    """Return the command line that resumes a run."""
    if command.get("withheld"):
        return f"the same command with --run {name}"
    return f"{runs_command()} resume {name}"


def program() -> str:
    """Return the beginning of the command lines of this installation."""
    return "log-replay" if getattr(settings, "LOG_REPLAY_STANDALONE", False) else "./manage.py lms"


def runs_command() -> str:
    """Return the beginning of the command lines that manage runs."""
    return f"{program()} {'runs' if program() == 'log-replay' else 'replay_runs'}"


def _existing_or_new_run(options: Options, name: str) -> Run:
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"--run {name!r} is not a valid name", hint="use letters, digits, dots, dashes and underscores, 100 at most"
        )
    run = Run.objects.filter(name=name).first()
    if run is None:
        return _new_run(options, name)
    check_same(run, identity(options))
    return run


def _new_run(options: Options, name: str) -> Run:
    Run.objects.exists()  # raises DatabaseError if there is no table
    return Run(name=name, identity=identity(options), command=stored_command(options.given))


def _new_name() -> str:
    return f"{timezone.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
