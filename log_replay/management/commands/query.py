"""Command ``query``: run SQL over the statements that runs have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import errors_exit
from log_replay.management.stdout import check_stdout, write_stdout

if TYPE_CHECKING:
    import argparse


class Command(LogReplayCommand):
    """Run a read-only query over the embedded ClickHouse, or over files that a run wrote."""

    usage = "%(prog)s SQL [OPTION ...]"
    examples = """\
  # Count the statements in the embedded ClickHouse by verb:
  %(prog)s 'SELECT verb, count() FROM statements GROUP BY verb'

  # Show what one organisation has, from files, as JSON lines:
  %(prog)s "SELECT time, event FROM statements WHERE org = 'edX'" \\
    --files /data/statements --format json
"""
    help = (
        "Run a read-only query over the statements in the embedded ClickHouse, or in files that a run wrote. The view "
        "'statements' has the columns id, kind (xapi or caliper), time, actor, verb, object, object_name, course, org, "
        "and event (the text of the statement)."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "sql", help="query in ClickHouse's SQL, for example: SELECT verb, count() FROM statements GROUP BY verb"
        )
        location = parser.add_mutually_exclusive_group()
        location.add_argument("--path", help="folder of the embedded database (default: the one in LOG_REPLAY_HOME)")
        location.add_argument(
            "--files",
            nargs="+",
            metavar="PATH",
            help="files, glob patterns or folders to read instead; they may be compressed",
        )
        parser.add_argument(
            "--format",
            choices=["table", "json", "csv"],
            default="table",
            help="output format; json prints one object per line",
        )

    def handle(self, *_args: str, sql: str, path: str | None, files: list[str] | None, **options: Any) -> None:
        """Print the result."""
        # Imported here, so that --help needs no slow imports.
        from log_replay.query.session import embedded_statements, file_statements, run_query  # noqa: PLC0415

        with errors_exit():
            check_stdout()
            with file_statements(files) if files else embedded_statements(path) as client:
                result = run_query(client, sql, options["format"])
            write_stdout(result)
