"""Replay tracking logs: read the options, run, exit with the right code."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings

from log_replay.ledger.run_configuration import stored_command
from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import errors_exit
from log_replay.management.replaying import print_plan, run_replay
from log_replay.management.stdout import write_stdout
from log_replay.options import read_options
from log_replay.options.arguments import add_arguments
from log_replay.statement_log import configure_own_log

if TYPE_CHECKING:
    from log_replay.options import Options

log = structlog.get_logger(__name__)


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
    short_usage = "%(prog)s SOURCE ... [--to DESTINATION] [OPTION ...]"
    short_examples = """\
  # Show the statements of the events since a date, and store nothing:
  %(prog)s /openedx/data/logs --since 2026-03-06

  # Send them to an LRS, with the password in the environment variable LRS_PASSWORD:
  %(prog)s 'tracking.log*' --to https://replay@lrs.example.com/xAPI

  # Store Caliper events in files, from a bucket:
  %(prog)s s3://bucket/logs --type caliper --to /data/statements
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
        add_arguments(parser, short=self.verb is not None)
        # Upstream's command has this option of Django, since it runs system checks. It has no effect here.
        parser.add_argument("--skip-checks", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *_args: str, **given: Any) -> None:
        """Replay, show the summary, and exit with the code for the result."""
        configure_own_log()
        with errors_exit():
            options = read_options(given, short=self.verb is not None)
            _warn_of_visible_secrets(options)
            _tell_of_silent_loggers(options)
            if options.kubernetes:
                from log_replay.management.kubernetes import manifest  # noqa: PLC0415 - --help needs no settings

                write_stdout(manifest(options).encode())
                return
            if options.plan:
                print_plan(options)
                return
        run_replay(options)


def _warn_of_visible_secrets(options: Options) -> None:
    if sys.argv[1:] != sys.orig_argv[len(sys.orig_argv) - len(sys.argv) + 1 :]:
        return  # the arguments come from somewhere else, such as a file: no list of processes shows them
    withheld = {name.partition(".")[0] for name in stored_command(options.given).get("withheld", ())}
    if withheld:
        log.warning(
            "other users of this machine can see secrets on the command line",
            options=sorted(f"--{name}" for name in withheld),
            hint="write ${NAME} for a value to read it from the environment, or @FILE to read the whole from a file",
        )


def _tell_of_silent_loggers(options: Options) -> None:
    standalone = getattr(settings, "LOG_REPLAY_STANDALONE", False)
    clickhouse = options.destination.provider == "CLICKHOUSE"
    if clickhouse and options.log_to == "null" and options.given["log_to"] is None and not standalone:
        log.info(
            "the statements go to ClickHouse, and not to the loggers, whose lines Aspects' Vector would store again",
            hint="--log_to settings logs them as well",
        )
