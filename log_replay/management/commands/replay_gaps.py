"""Compare logs with a table: parse -> compare -> show."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import INCOMPLETE, errors_exit
from log_replay.management.state import prepare_state
from log_replay.pipeline.signals import handle_signals
from log_replay.statement_log import configure_own_log

if TYPE_CHECKING:
    import argparse

    from log_replay.gaps.compare import Gaps
    from log_replay.gaps.options import GapOptions
    from log_replay.report import Report


class Command(LogReplayCommand):
    """Say which statements of the logs a ClickHouse table does not have."""

    help = (
        "Compare logs with a ClickHouse table of statements, by day, hour, event or course: how many are in the logs, "
        "present in the table, missing there, and only there. Nothing is delivered. Exit codes: 0 compared; 1 stopped, "
        "or some logs could not be read; 2 wrong usage."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add every option."""
        # Imported here since this module is imported for every --help.
        from log_replay.gaps.options import GAP_OPTIONS  # noqa: PLC0415
        from log_replay.options.arguments import add_arguments  # noqa: PLC0415

        add_arguments(parser, GAP_OPTIONS)

    def handle(self, *_args: str, **given: Any) -> None:
        """Compare, and show what was found."""
        from log_replay.gaps.options import read_gap_options  # noqa: PLC0415 - as above

        configure_own_log()
        with errors_exit():
            options = read_gap_options(given)
            with handle_signals(options.run.grace_secs):
                report, gaps = _compare(options)
                _show(gaps, options)
        if report.rejects:
            self.stderr.write(f"{report.rejects:,} lines gave no statement, and are not compared; --rejects lists them")
        if not report.complete:
            raise CommandError("not everything could be read: the numbers are too small", returncode=INCOMPLETE)


def _compare(options: GapOptions) -> tuple[Report, Gaps]:
    # Imported here so that --help and wrong options are answered at once.
    from log_replay.gaps.compare import Comparison  # noqa: PLC0415
    from log_replay.gaps.ids import temporary_ids  # noqa: PLC0415
    from log_replay.pipeline.run import Replay  # noqa: PLC0415
    from log_replay.report.progress import shown_progress  # noqa: PLC0415

    prepare_state()
    with (
        temporary_ids(options.config, options.by) as ids,
        closing(Comparison(options.config, options.table, ids, options.by)) as comparison,
    ):
        comparison.check()
        run = Replay(options.run, ids)
        with shown_progress(sys.stderr, bar=sys.stderr.isatty()) as progress:
            report = run.replay(progress)
        if report.stopped:
            raise CommandError(f"stopped: {report.stopped}", returncode=INCOMPLETE)
        filters = options.run.filters
        return report, comparison.gaps(filters.since, filters.until, whole=options.whole)


def _show(gaps: Gaps, options: GapOptions) -> None:
    from log_replay.gaps.page import page  # noqa: PLC0415 - as above
    from log_replay.gaps.show import as_json, show_gaps  # noqa: PLC0415 - as above
    from log_replay.report.rejects import write_summary, write_whole  # noqa: PLC0415 - as above

    show_gaps(gaps, sys.stdout)
    if options.json:
        write_summary(options.json, as_json(gaps))
    if options.html:
        write_whole(options.html, page(gaps).encode())
