"""Replay tracking logs: read the options, run, exit with the right code."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

import structlog
from django.core.management.base import CommandError

from log_replay.ledger.run_configuration import stored_command
from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import INCOMPLETE, TOO_MANY_REJECTS, errors_exit
from log_replay.management.state import prepare_state
from log_replay.options import read_options
from log_replay.options.arguments import add_arguments
from log_replay.pipeline.signals import handle_signals
from log_replay.statement_log import configure_own_log

if TYPE_CHECKING:
    from log_replay.options import Options
    from log_replay.report import Report

log = structlog.get_logger(__name__)

RUN_AGAIN = "running the same command again is safe: it creates no duplicates"


class Command(LogReplayCommand):
    """Read tracking logs, make xAPI or Caliper statements of them, and log, store or send these."""

    usage = "%(prog)s --source_provider PROVIDER --transformer_type {xapi,caliper} [OPTION ...]"
    examples = """\
  # Show the statements of the events since a date, and send nothing:
  %(prog)s --source_provider LOCAL --source_config '{"key": "/openedx/data", "container": "logs"}' \\
    --transformer_type xapi --dry_run --log_format raw --since 2026-03-06

  # Send them to an LRS:
  %(prog)s --source_provider LOCAL --source_config '{"key": "/openedx/data", "container": "logs"}' \\
    --transformer_type xapi --destination_config '{"url": "https://lrs.example.com/xAPI", "token": "${LRS_TOKEN}"}'

  # Store them in files, from a bucket:
  %(prog)s --source_provider S3 --source_config @source.json --transformer_type caliper \\
    --destination_provider LOCAL --destination_config '{"key": "/data", "container": "statements"}'
"""
    help = (
        "Read tracking logs from any storage, make the same xAPI or Caliper statements of them as "
        "event-routing-backends does, log every statement to xapi_tracking or caliper_tracking, and deliver them. "
        "Each option can be spelled with dashes instead of underscores.\n\n"
        "Exit codes: 0 complete; 1 stopped, or not everything was read or delivered; 2 wrong usage, nothing was done; "
        "3 complete, but more rejects than --max_rejected allows."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the table of options."""
        add_arguments(parser)
        # Upstream's command has this option of Django, since it runs system checks. It has no effect here.
        parser.add_argument("--skip-checks", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *_args: str, **given: Any) -> None:
        """Replay, show the summary, and exit with the code for the result."""
        configure_own_log()
        with errors_exit():
            options = read_options(given)
            _warn_of_visible_secrets(options)
            with handle_signals(options.grace_secs):
                if options.plan:
                    _show_plan(options)
                    return
                report = _replay(options)
        _judge(report, options)


def _warn_of_visible_secrets(options: Options) -> None:
    withheld = {name.partition(".")[0] for name in stored_command(options.given).get("withheld", ())}
    if withheld:
        log.warning(
            "other users of this machine can see secrets on the command line",
            options=sorted(f"--{name}" for name in withheld),
            hint="write ${NAME} for a value to read it from the environment, or @FILE to read the whole from a file",
        )


def _replay(options: Options) -> Report:
    # Imported here so that --help and wrong options do not wait for the imports.
    from log_replay.pipeline.run import Replay  # noqa: PLC0415
    from log_replay.report.progress import shown_progress  # noqa: PLC0415
    from log_replay.report.rejects import write_summary  # noqa: PLC0415
    from log_replay.report.terminal import show_summary  # noqa: PLC0415

    prepare_state()
    run = Replay(options)
    statements_on_terminal = options.log_to == "stdout" and sys.stdout.isatty()
    with shown_progress(sys.stderr, bar=sys.stderr.isatty() and not statements_on_terminal) as progress:
        report = run.replay(progress)
    show_summary(report, sys.stderr)
    if options.summary:
        write_summary(options.summary, report.as_dict())
    return report


def _show_plan(options: Options) -> None:
    """Print the units of the run as JSON lines."""
    import orjson  # noqa: PLC0415 - as above

    from log_replay.pipeline.plan import as_line  # noqa: PLC0415 - as above
    from log_replay.pipeline.plan.listing import plan_run  # noqa: PLC0415 - as above
    from log_replay.records import Unit  # noqa: PLC0415 - as above
    from log_replay.report.progress import ProgressLog  # noqa: PLC0415 - as above
    from log_replay.sources import open_source  # noqa: PLC0415 - as above

    source = open_source(options.source.provider, options.source.config)
    source.check()
    for unit in plan_run(source, options, ProgressLog()):
        if isinstance(unit, Unit):
            sys.stdout.buffer.write(orjson.dumps(as_line(unit), option=orjson.OPT_APPEND_NEWLINE))


def _judge(report: Report, options: Options) -> None:
    """Raise the error with the exit code of a run that is not complete, or that rejected too much."""
    total = report.total
    if report.stopped:
        raise CommandError(f"stopped: {report.stopped}; {_next_step(report, options)}", returncode=INCOMPLETE)
    if not report.complete:
        problems = [
            f"{len(report.failed_objects)} objects could not be read to their end" if report.failed_objects else "",
            f"{total.failed:,} statements were not delivered" if total.failed else "",
            *report.backlog_messages,
            f"{len(report.differences):,} events differ from what upstream makes" if report.differences else "",
            f"{report.lost_by_loggers:,} statements were lost by a logger" if report.lost_by_loggers else "",
            "the counters do not add up, which is a defect of Log Replay: report it" if report.imbalances else "",
        ]
        raise CommandError(f"{', '.join(filter(None, problems))}; {_next_step(report, options)}", returncode=INCOMPLETE)
    allowed = options.max_rejected
    if allowed and allowed.exceeded(report.rejects, total.known + total.unparsable):
        raise CommandError(
            f"{report.rejects:,} lines were rejected, more than --max_rejected allows; --rejects lists them",
            returncode=TOO_MANY_REJECTS,
        )


def _next_step(report: Report, options: Options) -> str:
    if report.run is None:
        return RUN_AGAIN
    from log_replay.ledger.factory import resume_command  # noqa: PLC0415 - as above

    return f"to go on where it ended: {resume_command(report.run, stored_command(options.given))}"
