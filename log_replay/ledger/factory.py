"""Which ledger a run has: that of its name, one of its own, or none."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from log_replay.errors import ConfigurationError
from log_replay.ledger import Ledger
from log_replay.ledger.database import DatabaseLedger
from log_replay.ledger.run_configuration import difference, identity, stored_command
from log_replay.models import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.options import Options

log = structlog.get_logger(__name__)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def open_ledger(options: Options) -> Ledger:
    """Open the run's ledger; nothing is written to it yet.

    Runs that store or send keep one under a name of their own if they are given none; a run that only logs does not.

    Raises:
        ConfigurationError: the run of this name has another configuration, or cannot be resumed at all.
    """
    if options.run is None and (options.dry_run or options.destination.provider == "LOGGER"):
        return Ledger()
    if options.source.provider == "STDIN":
        if options.run is None:
            return Ledger()
        raise ConfigurationError(
            "--run cannot keep a run of STDIN: standard input can be read only once, so that nothing could be resumed",
            hint="save the log to a file, and replay that from LOCAL",
        )
    try:
        return _fresh(options, _new_name()) if options.run is None else _named(options, options.run)
    except DatabaseError as error:
        if options.run is None:
            log.warning("no ledger is kept, so that this run cannot be resumed", reason=type(error).__name__)
            return Ledger()
        raise ConfigurationError(
            f"the ledger's tables cannot be read ({type(error).__name__})", hint=f"{_program()} migrate log_replay"
        ) from error


def resume_command(name: str, command: Mapping[str, object]) -> str:
    """Return what resumes a run."""
    if command.get("withheld"):
        return f"the same command with --run {name}"
    return f"{_program()} replay_runs resume {name}"


def _program() -> str:
    return "log-replay" if getattr(settings, "LOG_REPLAY_STANDALONE", False) else "./manage.py lms"


def _named(options: Options, name: str) -> Ledger:
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"--run {name!r} is no name for a run", hint="letters, digits, dots, dashes and underscores, 100 at most"
        )
    run = Run.objects.filter(name=name).first()
    if run is None:
        return _fresh(options, name)
    differs = difference(run.identity, identity(options))
    if differs:
        raise ConfigurationError(
            f"the run {name!r} exists, and its configuration is another: {differs}",
            hint="give this run another name, or resume that one with its own configuration",
        )
    return DatabaseLedger(run)


def _fresh(options: Options, name: str) -> Ledger:
    Run.objects.exists()  # whether there is a table at all
    return DatabaseLedger(Run(name=name, identity=identity(options), command=stored_command(options.given)))


def _new_name() -> str:
    return f"{timezone.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
