"""Preparation of the databases: of our own, and a check of the LMS's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from log_replay.databases import database_reason
from log_replay.errors import ConfigurationError, DestinationNotResponding, IdentityError
from log_replay.retry import TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
#: Reasons of errors after which a database may answer again.
TEMPORARY = {"connection refused", "connection lost", "no answer in time", "no connection", "unknown host"}
#: How long a process waits for databases, sources and destinations before it joins a run.
SERVER_SECONDS = 120.0


def prepare_state() -> None:
    """Create or update the embedded database; inside an LMS, do nothing.

    Raises:
        ConfigurationError: its folder cannot be written to.
    """
    if getattr(settings, "LOG_REPLAY_STANDALONE", False):
        from log_replay.standalone.embedded import prepare  # noqa: PLC0415 - its models exist only outside the LMS

        prepare()


def when_servers_answer(action: Callable[[], T]) -> T:
    """Call an action until the databases, sources and destinations that it needs answer, and return its result.

    A pod that ended with exit code 2 because a database was just being restarted would end the whole Job.

    Raises:
        ConfigurationError: the last attempt failed, too, after a limited time, or with an error that will not pass.
    """
    until = time.monotonic() + SERVER_SECONDS
    while True:
        try:
            return action()
        except ConfigurationError as error:
            if not _is_temporary(error) or time.monotonic() > until:
                raise
        connections.close_all()
        time.sleep(0.5)


def _is_temporary(error: BaseException | None) -> bool:
    """Return True if an error was caused by a server that may answer again."""
    while error:
        if isinstance(error, (TemporaryError, DestinationNotResponding)):
            return True
        if isinstance(error, (OperationalError, InterfaceError)):
            reason = database_reason(error)
            # A reason that is not known may be temporary, too: the drivers have many messages for a restart.
            return reason in TEMPORARY or reason.startswith(type(error).__name__)
        error = error.__cause__
    return False


def prepare_identities(transformer_type: str) -> None:
    """Prepare our own database, and check that the LMS's database answers and has the tables that statements need.

    Args:
        transformer_type: the type of the run's statements.

    Raises:
        ConfigurationError: a setting or a table is missing, or a database cannot be reached.
    """
    # Imported here, since they need the models.
    from log_replay.identities.database import check_database  # noqa: PLC0415
    from log_replay.pipeline.transform import external_id_type  # noqa: PLC0415

    if getattr(settings, "LOG_REPLAY_STANDALONE", False):
        from log_replay.standalone.checks import check_root_url  # noqa: PLC0415 - only outside the LMS

        check_root_url()
    prepare_state()
    try:
        check_database(external_id_type(transformer_type))
    except IdentityError as error:
        raise ConfigurationError(
            error.message, operation=error.operation, object=error.object, hint=error.hint
        ) from error
