"""Command ``inspect_tracking_logs``: report what is in tracking logs, and what would come out of them."""

from __future__ import annotations

import argparse
from typing import Any

from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import errors_exit
from log_replay.management.replaying import run_replay
from log_replay.options import OPTIONS, read_options
from log_replay.options.arguments import add_arguments
from log_replay.statement_log import configure_own_log

#: Options of a replay that have no effect on an inspection, or that it sets itself.
_LEFT_OUT = frozenset(
    {
        "dry_run", "log_to", "log_format", "log_timeout_secs", "max_line_bytes", "plan", "kubernetes", "parallelism",
        "image",
    }
)  # fmt: skip


class Command(LogReplayCommand):
    """Report what is in tracking logs, what would come out of them, and what would not."""

    usage = "%(prog)s SOURCE ... --transformer_type {xapi,caliper} [OPTION ...]"
    examples = """\
  # Look at the logs in a folder:
  %(prog)s /openedx/data/logs --transformer_type xapi

  # Look at a bucket before its events are sent to an LRS, and keep the report:
  %(prog)s s3://bucket/tracking/ --transformer_type xapi --workers 2 --json report.json --to https://lrs.example.com/xAPI

  # Look at a part of very large logs, and write a page with charts:
  %(prog)s s3://bucket/tracking/ --transformer_type xapi --sample 1GB --html report.html
"""
    short_usage = "%(prog)s SOURCE ... [--to DESTINATION] [OPTION ...]"
    short_examples = """\
  # Look at the logs in a folder:
  %(prog)s /openedx/data/logs

  # Look at a bucket before an LRS gets its statements, and keep the report as a page and as JSON:
  %(prog)s s3://bucket/logs --to https://replay@lrs.example.com/xAPI --html report.html --json report.json
"""
    help = (
        "Report what is in tracking logs (objects, lines, times, holes, repeated lines), what would come out of them "
        "(statements by verb, event, course and organisation), what would not and why, how long a replay would take, "
        "and the command for it. It is a dry run: nothing is stored or sent. With a destination, the report says "
        "how many requests there would be; the destination is not asked.\n\n"
        "Exit codes: 0 complete; 1 stopped, or not everything could be read; 2 wrong usage, nothing was done; 3 "
        "complete, but more rejects than --max_rejected allows."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of a replay."""
        rows = {name: row for name, row in OPTIONS.items() if name not in _LEFT_OUT}
        add_arguments(parser, rows, short=self.verb is not None)
        # It is a dry run in any case, so the option is accepted.
        parser.add_argument("--dry_run", "--dry-run", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *_args: str, **given: Any) -> None:
        """Inspect, and exit with the code for the result."""
        configure_own_log()
        with errors_exit():
            fixed = {"dry_run": True, "log_to": "null", "sample": given.get("sample") or "auto"}
            options = read_options({**given, **fixed}, short=self.verb is not None)
        run_replay(options, report_on_stdout=True)
