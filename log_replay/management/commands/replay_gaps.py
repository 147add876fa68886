"""Command ``replay_gaps``: compare logs with a ClickHouse table."""

from __future__ import annotations

import sys
from contextlib import closing
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import INCOMPLETE, errors_exit
from log_replay.management.state import prepare_identities
from log_replay.management.stdout import check_stdout, write_stdout
from log_replay.pipeline.signals import handle_signals
from log_replay.statement_log import configure_own_log
from log_replay.terminal_text import escape_controls

if TYPE_CHECKING:
    import argparse

    from log_replay.gaps.compare import Gaps
    from log_replay.gaps.gap_options import GapOptions
    from log_replay.report import Report


class Command(LogReplayCommand):
    """Show which statements of the logs a ClickHouse table does not have."""

    examples = """\
  # Compare with the embedded ClickHouse, by day, and write an HTML report:
  %(prog)s --source_provider LOCAL --source_config '{"key": "/openedx/data", "container": "logs"}' \\
    --transformer_type xapi --html gaps.html

  # Fail if a ClickHouse server lacks a statement:
  %(prog)s --source_provider LOCAL --source_config '{"key": "/openedx/data", "container": "logs"}' \\
    --transformer_type xapi --fail_if_missing \\
    --missing_from '{"url": "https://clickhouse:8443", "username": "ch_lrs", "password": "${PASSWORD}"}'
"""
    usage = "%(prog)s --source_provider PROVIDER --transformer_type {xapi,caliper} [OPTION ...]"
    short_usage = "%(prog)s SOURCE ... [--to CLICKHOUSE] [OPTION ...]"
    short_examples = """\
  # Compare with the embedded ClickHouse, by day, and write an HTML report:
  %(prog)s /openedx/data/logs --html gaps.html

  # Fail if a ClickHouse server lacks a statement; its password is in the environment variable CLICKHOUSE_PASSWORD:
  %(prog)s 'tracking.log*' --fail_if_missing --to clickhouse://ch_lrs@clickhouse:8443
"""
    help = (
        "Compare the statements of logs with a ClickHouse table: how many are in the logs, present in the table, "
        "missing from it, and only in the table, by day, hour, event or course. Nothing is delivered. Exit codes: "
        "0 the comparison is complete; 1 it was stopped, some logs could not be read, or statements are missing and "
        "--fail_if_missing is set; 2 wrong usage."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        # Imported here, because every --help imports this module.
        from log_replay.gaps.gap_options import GAP_OPTIONS  # noqa: PLC0415
        from log_replay.options.arguments import add_arguments  # noqa: PLC0415

        add_arguments(parser, GAP_OPTIONS, short=self.verb is not None)

    def handle(self, *_args: str, **given: Any) -> None:
        """Compare, and show the gaps."""
        from log_replay.gaps.gap_options import read_gap_options  # noqa: PLC0415 - as above

        configure_own_log()
        with errors_exit():
            check_stdout()
            options = read_gap_options(given)
            with handle_signals(options.run.grace_secs):
                report, gaps = _compare(options)
                _show(gaps, options)
        if report.rejects:
            self.stderr.write(f"{report.rejects:,} rejected lines are not compared; --rejects lists them")
        if not report.complete:
            raise CommandError("some logs could not be read, so the numbers are too small", returncode=INCOMPLETE)
        missing = gaps.total.missing
        if options.fail_if_missing and missing:
            raise CommandError(
                f"{missing:,} statements are missing from {escape_controls(gaps.place)}", returncode=INCOMPLETE
            )


def _compare(options: GapOptions) -> tuple[Report, Gaps]:
    # Imported here, so that --help and errors in options need no slow imports.
    from log_replay.gaps.compare import Comparison  # noqa: PLC0415
    from log_replay.gaps.temporary_ids import temporary_ids  # noqa: PLC0415
    from log_replay.pipeline.run import Replay  # noqa: PLC0415
    from log_replay.report.progress import shown_progress  # noqa: PLC0415

    prepare_identities(options.run.transformer_type)
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
    from log_replay.gaps.gap_table import PLAIN_WIDTH, gaps_as_json, gaps_as_text  # noqa: PLC0415 - as above
    from log_replay.gaps.html_report import html_report  # noqa: PLC0415 - as above
    from log_replay.report.summary_file import write_report, write_summary  # noqa: PLC0415 - as above

    if options.json:
        write_summary(options.json, gaps_as_json(gaps))
    if options.html:
        write_report(options.html, html_report(gaps).encode())
    width = get_terminal_size().columns if sys.stdout.isatty() else PLAIN_WIDTH
    write_stdout(gaps_as_text(gaps, width).encode())
