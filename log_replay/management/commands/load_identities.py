"""Load users and courses into the embedded database: the shipped sample, or a file."""

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

#: The errors of damaged JSON, of JSON with other content, and of values that do not fit their columns.
_WRONG_CONTENT = (ValueError, KeyError, TypeError, AttributeError, DatabaseError)


class Command(LogReplayCommand):
    """Load users and courses into the embedded database."""

    usage = "%(prog)s FILE"
    examples = """\
  # The users and courses of the sample log:
  %(prog)s sample

  # Your own:
  %(prog)s identities.json
"""
    help = (
        "Load users and courses into the embedded database, for use without the LMS's database. Users and courses that "
        "are there already are updated. The file is a JSON object: "
        '{"users": [{"id", "username", "email", "external_ids": {"xapi": UUID, "caliper": UUID}}], '
        '"courses": [{"id", "display_name"}]}'
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the file."""
        parser.add_argument("file", metavar="FILE", help="A JSON file, or 'sample' for the shipped sample.")

    def handle(self, *_args: str, file: str, **_options: Any) -> None:
        """Load the file and print the number of users and courses in it."""
        with errors_exit():
            users, courses = _load(file)
        self.stderr.write(f"loaded {users} users and {courses} courses into the embedded database")


def _load(file: str) -> tuple[int, int]:
    if not getattr(settings, "LOG_REPLAY_STANDALONE", False) or "lms" in settings.DATABASES:
        raise ConfigurationError(
            "users and courses can be loaded only into the embedded database", hint="unset LOG_REPLAY_DATABASE_URL"
        )
    from log_replay.standalone.embedded import SAMPLE, load_identities, prepare  # noqa: PLC0415 - not inside an LMS

    path = SAMPLE / "identities.json" if file == "sample" else Path(file)
    prepare()
    try:
        return load_identities(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(error.strerror or type(error).__name__, operation="read", object=str(path)) from error
    except _WRONG_CONTENT as error:
        # The error's text can contain the name of a learner: only its type is shown.
        reason = f"its content is not users and courses in the expected form ({type(error).__name__})"
        raise ConfigurationError(
            reason, operation="read", object=str(path), hint="log-replay load_identities --help shows the form"
        ) from error
