"""Fill the embedded database with users and courses: the shipped sample, or a file of an operator's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError

from log_replay.errors import ConfigurationError
from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import errors_exit

if TYPE_CHECKING:
    import argparse

#: What damaged JSON, other JSON, or values that no column takes, raise.
NO_DIRECTORY = (ValueError, KeyError, TypeError, AttributeError, DatabaseError)


class Command(LogReplayCommand):
    """Load users and courses into the embedded database."""

    help = (
        "Put users and courses into the embedded database, where the LMS's own is out of reach: "
        '{"users": [{"id", "username", "email", "external_ids": {"xapi": UUID, "caliper": UUID}}], '
        '"courses": [{"id", "display_name"}]}'
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the file."""
        parser.add_argument("file", help="a JSON file, or 'sample' for the one that is shipped")

    def handle(self, *_args: str, file: str, **_options: Any) -> None:
        """Load the file and say what was in it."""
        with errors_exit():
            users, courses = _load(file)
        self.stderr.write(f"{users} users and {courses} courses are in the embedded database")


def _load(file: str) -> tuple[int, int]:
    if not getattr(settings, "LOG_REPLAY_STANDALONE", False) or "lms" in settings.DATABASES:
        raise ConfigurationError(
            "only the embedded database is filled, and it is not in use", hint="unset LOG_REPLAY_DATABASE_URL"
        )
    from log_replay.standalone.embedded import SAMPLE, load_identities, prepare  # noqa: PLC0415 - not inside an LMS

    path = SAMPLE / "identities.json" if file == "sample" else Path(file)
    prepare()
    try:
        return load_identities(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(error.strerror or type(error).__name__, operation="read", object=str(path)) from error
    except NO_DIRECTORY as error:
        # What exactly is wrong may be somebody's name: the type must be enough.
        reason = f"it holds no such users and courses ({type(error).__name__})"
        raise ConfigurationError(
            reason, operation="read", object=str(path), hint="log-replay load_identities --help shows its form"
        ) from error
