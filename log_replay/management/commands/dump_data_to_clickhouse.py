"""Command ``dump_data_to_clickhouse``: dump the LMS's users, courses and tags into ClickHouse."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError

from log_replay.dump.dump_options import DUMP_OPTIONS, read_dump_options
from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import INCOMPLETE, errors_exit
from log_replay.management.state import prepare_state
from log_replay.options.arguments import add_arguments
from log_replay.pipeline.signals import handle_signals
from log_replay.statement_log import configure_own_log

if TYPE_CHECKING:
    from log_replay.dump.dumping import DumpReport


class Command(LogReplayCommand):
    """Dump one type of the LMS's objects into Aspects' tables in ClickHouse."""

    examples = """\
  # Dump the profiles of all users into the embedded ClickHouse (outside an LMS), or into Aspects' (inside):
  %(prog)s --object user_profile

  # Dump two courses into a ClickHouse server:
  %(prog)s --object course_overviews --ids course-v1:Org+A+2026 course-v1:Org+B+2026 \\
    --url https://clickhouse.example.com:8443 --username ch_admin --password '${CLICKHOUSE_PASSWORD}'
"""
    usage = "%(prog)s --object OBJECT [OPTION ...]"
    help = (
        "Dump courses, users, external ids, enrollments or tags into the tables of Aspects' database event_sink, like "
        "the command of the same name in platform-plugin-aspects. It also works outside an LMS, on the LMS's tables, "
        "and with an embedded ClickHouse. "
        "Exit codes: 0 complete; 1 stopped, or some objects could not be dumped; 2 wrong usage, nothing was dumped."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        add_arguments(parser, DUMP_OPTIONS)
        # The plugin's command has this option of Django. We accept it, though we run no system checks.
        parser.add_argument("--skip-checks", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *_args: str, **given: Any) -> None:
        """Dump, print the counters, and exit with the exit code."""
        configure_own_log()
        from log_replay.dump.dumping import Dump  # noqa: PLC0415 - slow to import

        # No grace period: repeating an interrupted insert inserts the same rows again.
        with errors_exit(), handle_signals(grace_seconds=0):
            options = read_dump_options(given)
            if "lms" not in settings.DATABASES:  # the objects are read from the embedded database
                prepare_state()
            dump = Dump(options)
            report = dump.dump()
        if not dump.enabled:
            self.stderr.write(f"the sink for {options.object} is disabled in this site: nothing was dumped")
            return
        self.stderr.write(
            f"{options.object}: {report.dumped:,} dumped, {report.skipped:,} skipped, {report.failed:,} failed"
        )
        _raise_if_incomplete(report)


def _raise_if_incomplete(report: DumpReport) -> None:
    """Raise the error for an incomplete dump."""
    if report.stopped:
        next_step = f"continue with --start_pk {report.last_pk}" if report.last_pk else "nothing was dumped"
        raise CommandError(f"stopped: {report.stopped}; {next_step}", returncode=INCOMPLETE)
    if report.failed:
        raise CommandError(
            f"{report.failed:,} objects could not be dumped; dump them again with --ids", returncode=INCOMPLETE
        )
