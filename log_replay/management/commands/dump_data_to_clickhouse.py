"""Dump the LMS's users, courses and tags into ClickHouse: parse -> dump -> exit code."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError

from log_replay.dump.options import DUMP_OPTIONS, read_dump_options
from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import INCOMPLETE, errors_exit
from log_replay.management.state import prepare_state
from log_replay.options.arguments import add_arguments
from log_replay.pipeline.signals import handle_signals
from log_replay.statement_log import configure_own_log

if TYPE_CHECKING:
    from log_replay.dump.dumping import DumpReport


class Command(LogReplayCommand):
    """Dump one kind of the LMS's objects into Aspects' tables in ClickHouse."""

    help = (
        "Dump courses, users, external ids, enrolments or tags into the tables of Aspects' database event_sink, as "
        "platform-plugin-aspects' command of this name does: inside an LMS, outside it on the LMS's tables, and into "
        "an embedded ClickHouse too. "
        "Exit codes: 0 complete; 1 stopped, or not every object could be dumped; 2 wrong usage, nothing was done."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add every option."""
        add_arguments(parser, DUMP_OPTIONS)
        # Django has this where a command asks for system checks; the plugin's does, and nothing is lost by taking it.
        parser.add_argument("--skip-checks", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *_args: str, **given: Any) -> None:
        """Dump, say what was dumped and exit with what it came to."""
        configure_own_log()
        from log_replay.dump.dumping import Dump  # noqa: PLC0415 - so that --help is answered at once

        # Nothing is waited for: rows that are inserted once more are the same rows.
        with errors_exit(), handle_signals(grace_seconds=0):
            options = read_dump_options(given)
            if "lms" not in settings.DATABASES:  # nothing else is needed of our own state
                prepare_state()
            dump = Dump(options)
            report = dump.dump()
        if not dump.enabled:
            self.stderr.write(f"this site has the sink for {options.object} disabled: no data is dumped")
            return
        self.stderr.write(
            f"{options.object}: {report.dumped:,} dumped, {report.skipped:,} skipped, {report.failed:,} failed"
        )
        _judge(report)


def _judge(report: DumpReport) -> None:
    """Turn what a dump came to into an exit code."""
    if report.stopped:
        go_on = f"go on with --start_pk {report.last_pk}" if report.last_pk else "nothing was dumped"
        raise CommandError(f"stopped: {report.stopped}; {go_on}", returncode=INCOMPLETE)
    if report.failed:
        raise CommandError(
            f"{report.failed:,} objects could not be dumped; --ids dumps them alone", returncode=INCOMPLETE
        )
