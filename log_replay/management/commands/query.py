"""Ask what runs have written: parse -> query -> print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import errors_exit

if TYPE_CHECKING:
    import argparse


class Command(LogReplayCommand):
    """LrsResponse read-only SQL over the embedded ClickHouse, or over files that a run wrote."""

    help = (
        "LrsResponse a query over the statements in the embedded ClickHouse, or in files that a run wrote. The view "
        "'statements' has the columns id, kind (xapi or caliper), time, actor, verb, object, object_name, course, org "
        "and event, the statement itself. Nothing is ever changed."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "sql", help="ClickHouse's SQL, for example: SELECT verb, count() FROM statements GROUP BY verb"
        )
        place = parser.add_mutually_exclusive_group()
        place.add_argument("--path", help="the embedded database's folder (default: the one in LOG_REPLAY_HOME)")
        place.add_argument(
            "--files", nargs="+", metavar="PATH", help="files, patterns or folders to read instead, compressed or not"
        )
        parser.add_argument(
            "--format", choices=["table", "json", "csv"], default="table", help="json: one object a line"
        )

    def handle(self, *_args: str, sql: str, path: str | None, files: list[str] | None, **options: Any) -> None:
        """Print the answer."""
        # Imported here so that --help is answered at once.
        from log_replay.query.session import answer, embedded_statements, file_statements  # noqa: PLC0415

        with errors_exit(), file_statements(files) if files else embedded_statements(path) as client:
            found = answer(client, sql, options["format"])
        try:
            sys.stdout.buffer.write(found)
            sys.stdout.flush()
        except BrokenPipeError:
            sys.stderr.close()  # whoever read it has seen enough
