"""Command ``explain_tracking_log``: show step by step what becomes of a line."""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from log_replay.management.command import LogReplayCommand
from log_replay.management.exit_codes import NO_STATEMENT, errors_exit
from log_replay.management.state import prepare_identities
from log_replay.management.stdout import check_stdout, write_stdout
from log_replay.pipeline.signals import handle_signals
from log_replay.statement_log import configure_own_log

if TYPE_CHECKING:
    import argparse

    from log_replay.explain.explain_options import ExplainOptions

#: Between two explanations.
SEPARATOR = "\n"


class Command(LogReplayCommand):
    """Show step by step what becomes of one line, and why."""

    examples = """\
  # Explain the line at an offset, as --rejects and reports name it:
  %(prog)s logs/tracking.log:118934

  # Explain lines that are piped in:
  grep problem_check logs/tracking.log | head -3 | %(prog)s -

  # Explain every line that a run has rejected:
  %(prog)s --from_rejects rejects.jsonl

  # Say also whether a ClickHouse has its statements:
  %(prog)s s3://bucket/logs/tracking.log.gz:0 --to clickhouse://user@clickhouse:8443/xapi
"""
    usage = "%(prog)s OBJECT:OFFSET ... | - | --from_rejects PATH [OPTION]"
    help = (
        "Show step by step what becomes of a line: where its JSON begins, its event, the filters, the user and the "
        "course as the database knows them, the code that makes its statements, the statements, the rules of the "
        "specification, the routes of RouterConfiguration, whether ClickHouse has them, and the line limits of "
        "transports. Where it ends: the step, the place in event-routing-backends' code, and what to do.\n\n"
        "Nothing is stored or sent, and no external id is created. Exit codes: 0 every line gives a statement; 1 "
        "something could not be read; 2 wrong usage, or there is no such line; 3 a line gives no statement."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""
        # Imported here, because every --help imports this module.
        from log_replay.explain.explain_options import EXPLAIN_OPTIONS  # noqa: PLC0415
        from log_replay.options.arguments import add_arguments  # noqa: PLC0415

        parser.add_argument(
            "lines",
            nargs="*",
            metavar="OBJECT:OFFSET",
            help="a file or a URL, and the offset of a line in its decompressed text; with --source_provider the name "
            "of an object of that source; or - for lines on standard input",
        )
        add_arguments(parser, EXPLAIN_OPTIONS)

    def handle(self, *_args: str, **given: Any) -> None:
        """Explain, and exit with 3 if a line gives no statement."""
        from log_replay.explain.explain_options import read_explain_options  # noqa: PLC0415 - as above

        configure_own_log()
        with errors_exit():
            check_stdout()
            options = read_explain_options(given)
            with handle_signals(options.run.grace_secs):
                without = self._explain(options)
        if without:
            count = "a line gives" if without == 1 else f"{without} lines give"
            raise CommandError(f"{count} no statement", returncode=NO_STATEMENT)

    def _explain(self, options: ExplainOptions) -> int:
        """Print the explanations, and return the number of lines without a statement."""
        # Imported here, so that --help and errors in options need no slow imports.
        from log_replay.explain.explaining import explanations  # noqa: PLC0415
        from log_replay.explain.showing import shown  # noqa: PLC0415

        on_terminal = sys.stdout.isatty()
        colours = on_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        width = get_terminal_size().columns if on_terminal else None
        prepare_identities(options.run.transformer_type)
        without = 0
        for number, explanation in enumerate(explanations(options)):
            text = shown(explanation, colours=colours, width=width)
            write_stdout(f"{SEPARATOR if number else ''}{text}".encode())
            without += explanation.ending is not None
        return without
