"""Fill the embedded database with users and courses: the shipped sample, or a file of an operator's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from log_replay.errors import LogReplayError

if TYPE_CHECKING:
    import argparse

WRONG_USAGE = 2


class Command(BaseCommand):
    """Load users and courses into the embedded database."""

    help = (
        "Put users and courses into the embedded database, where the LMS's own is out of reach: "
        '{"users": [{"id", "username", "email", "external_ids": {"xapi": UUID, "caliper": UUID}}], '
        '"courses": [{"id", "display_name"}]}'
    )
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the file."""
        parser.add_argument("file", help="a JSON file, or 'sample' for the one that is shipped")

    def handle(self, *_args: str, file: str, **_options: Any) -> None:
        """Load the file and say what was in it."""
        if not getattr(settings, "LOG_REPLAY_STANDALONE", False) or "lms" in settings.DATABASES:
            raise CommandError("only the embedded database is filled, and it is not in use", returncode=WRONG_USAGE)
        from log_replay.standalone.embedded import SAMPLE, load_directory, prepare  # noqa: PLC0415 - not inside an LMS

        path = SAMPLE / "directory.json" if file == "sample" else Path(file)
        try:
            prepare()
            users, courses = load_directory(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise CommandError(f"read {path}: {error.strerror}", returncode=WRONG_USAGE) from error
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"read {path}: it is not such a file: {error!r}", returncode=WRONG_USAGE) from error
        except LogReplayError as error:
            raise CommandError(str(error), returncode=WRONG_USAGE) from error
        self.stderr.write(f"{users} users and {courses} courses are in the embedded database")
