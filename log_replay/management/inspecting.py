"""Show the report of a dry run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from log_replay.management.stdout import discard_stderr, write_stdout

# Most imports are in functions, so that --help and wrong options are answered without a delay.

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.inspect.extras import ReportExtras
    from log_replay.inspect.profile import Profile
    from log_replay.options import Options
    from log_replay.report import Report


def show_inspection(  # noqa: PLR0913 - all that a report is made of
    profile: Profile, report: Report, options: Options, extras: ReportExtras, *, cpu_seconds: float, on_stdout: bool
) -> None:
    """Show what a dry run has found, and write it to the files of ``--json`` and ``--html``.

    Args:
        profile: the profile of the run.
        report: the report of the run.
        options: the options of the run.
        extras: the sample and the page of the run.
        cpu_seconds: the CPU time of the run.
        on_stdout: whether to print to stdout.

    Raises:
        DestinationUnavailable: a file or stdout cannot be written.
    """
    from log_replay.inspect.document import Inspected, extrapolate_duration, inspection  # noqa: PLC0415
    from log_replay.inspect.duration import Measured  # noqa: PLC0415

    inspected = Inspected(profile, report, options, Measured(report.seconds, cpu_seconds))
    document = inspection(inspected)
    extras.extrapolate(document)
    extrapolate_duration(document, inspected)
    show_report(document, report, options, on_stdout=on_stdout)
    extras.write_page(document)


def show_report(document: Mapping[str, Any], report: Report, options: Options, *, on_stdout: bool) -> None:
    """Show the report on stdout or stderr, and write it to the file of ``--json``.

    Args:
        document: the document of the inspection.
        report: the report of the run, for its problems.
        options: the options of the run.
        on_stdout: whether to print to stdout.

    Raises:
        DestinationUnavailable: the file or stdout cannot be written.
    """
    from log_replay.inspect.terminal import inspection_text  # noqa: PLC0415
    from log_replay.report.summary_file import write_summary  # noqa: PLC0415
    from log_replay.report.terminal import remarks  # noqa: PLC0415

    if options.json:
        write_summary(options.json, document)
    stream = sys.stdout if on_stdout else sys.stderr
    encoding = stream.encoding or "utf-8"
    text = inspection_text(document, remarks(report), width=_width(stream), encoding=encoding)
    if on_stdout:
        write_stdout(text.encode(encoding, "backslashreplace"))
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:  # the reader of stderr is gone; the exit code still says how the run ended
        discard_stderr()


def _width(stream: TextIO) -> int | None:
    """Return the width of a terminal, None for everything else."""
    if not stream.isatty():
        return None
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(stream.fileno()).columns)
    except (OSError, ValueError):
        return 80
