"""Run a replay for a management command: show its progress and summary, and raise its exit code."""

from __future__ import annotations

import sys
from itertools import islice
from time import process_time
from typing import TYPE_CHECKING

from django.core.management.base import CommandError

from log_replay.management.exit_codes import INCOMPLETE, TOO_MANY_REJECTS, errors_exit
from log_replay.management.state import prepare_identities, when_servers_answer
from log_replay.management.stdout import check_stdout, discard_stderr, write_stdout
from log_replay.pipeline.signals import handle_signals
from log_replay.terminal_text import escape_controls

# Most imports are in functions, so that --help and wrong options are answered without a delay.

if TYPE_CHECKING:
    from log_replay.inspect.extras import ReportExtras
    from log_replay.options import Options
    from log_replay.pipeline.run import Replay
    from log_replay.report import Report

#: The number of units that are printed at once.
PRINTED_AT_ONCE = 1000


def run_replay(options: Options, *, report_on_stdout: bool = False) -> None:
    """Replay, and print the summary, or the report of a dry run, to stderr.

    Args:
        options: the configuration.
        report_on_stdout: print the report of a dry run to stdout: it is what the command was asked for.

    Raises:
        CommandError: the run is not complete, or has too many rejects.
    """
    with errors_exit():
        with handle_signals(options.grace_secs):
            report = _replay(options, report_on_stdout=report_on_stdout)
        _check(report, options)


def print_plan(options: Options) -> None:
    """Print the units of the run as JSON lines."""
    import orjson  # noqa: PLC0415

    from log_replay.pipeline.plan import as_line  # noqa: PLC0415
    from log_replay.pipeline.plan.listing import plan_run  # noqa: PLC0415
    from log_replay.records import Unit  # noqa: PLC0415
    from log_replay.report.progress import ProgressLog  # noqa: PLC0415
    from log_replay.sources import open_source  # noqa: PLC0415

    check_stdout()
    source = open_source(options.source.provider, options.source.config, skip_unreadable=options.skip_unreadable)
    source.check()
    units = (unit for unit in plan_run(source, options, ProgressLog()) if isinstance(unit, Unit))
    while chunk := list(islice(units, PRINTED_AT_ONCE)):
        write_stdout(b"".join(orjson.dumps(as_line(unit), option=orjson.OPT_APPEND_NEWLINE) for unit in chunk))


def _replay(options: Options, *, report_on_stdout: bool) -> Report:
    from log_replay.report.progress import shown_progress  # noqa: PLC0415
    from log_replay.report.summary_file import write_summary  # noqa: PLC0415
    from log_replay.report.terminal import show_summary  # noqa: PLC0415
    from log_replay.report.termination_log import write_termination_log  # noqa: PLC0415

    if options.log_to == "stdout" or report_on_stdout:
        check_stdout()
    # Only a dry run needs the room inspect, and only a joined run its module: they take a twentieth of the start-up.
    extras = _report_extras(options) if options.dry_run else None

    def open_run() -> Replay:
        prepare_identities(options.transformer_type)
        return _replay_type(options)(
            options, source=extras.source if extras else None, observers=extras.observers if extras else ()
        )

    run = when_servers_answer(open_run) if options.join else open_run()
    cpu_began = process_time()
    statements_on_terminal = options.log_to == "stdout" and sys.stdout.isatty()
    with shown_progress(sys.stderr, bar=sys.stderr.isatty() and not statements_on_terminal) as progress:
        report = run.replay(progress)
    if run.profile and extras:
        from log_replay.management.inspecting import show_inspection  # noqa: PLC0415

        cpu_seconds = process_time() - cpu_began
        show_inspection(run.profile, report, options, extras, cpu_seconds=cpu_seconds, on_stdout=report_on_stdout)
    else:
        try:
            show_summary(report, sys.stderr)
        except OSError:  # the reader of stderr is gone; the exit code still says how the run ended
            discard_stderr()
    if options.termination_log:
        write_termination_log(options.termination_log, report)
    if options.summary:
        write_summary(options.summary, report.as_dict())
    return report


def _report_extras(options: Options) -> ReportExtras:
    from log_replay.inspect.extras import ReportExtras  # noqa: PLC0415

    return ReportExtras(options)


def _replay_type(options: Options) -> type[Replay]:
    if options.join:
        from log_replay.pipeline.joined_run import JoinedReplay  # noqa: PLC0415

        return JoinedReplay
    from log_replay.pipeline.run import Replay  # noqa: PLC0415

    return Replay


def _check(report: Report, options: Options) -> None:
    """Raise the error for a run that is not complete or has too many rejects."""
    from log_replay.management.next_step import next_step  # noqa: PLC0415

    total = report.total
    if not report.complete:
        problems = f"stopped: {report.stopped}" if report.stopped else ", ".join(_problems(report))
        raise CommandError(escape_controls(f"{problems}; {next_step(report, options)}"), returncode=INCOMPLETE)
    allowed = options.max_rejected
    if allowed and allowed.exceeded(report.rejects, total.known + total.unparsable):
        raise CommandError(
            f"{report.rejects:,} lines were rejected, more than --max_rejected allows; --rejects lists them",
            returncode=TOO_MANY_REJECTS,
        )


def _problems(report: Report) -> list[str]:
    problems = {
        f"{len(report.failed_objects):,} objects could not be read to their end": report.failed_objects,
        f"{report.total.failed:,} statements were not delivered": report.total.failed,
        **dict.fromkeys(report.backlog_messages, True),
        f"{len(report.differences):,} events differ from upstream's statements": report.differences,
        f"{report.lost_by_loggers:,} statements were lost by a logger": report.lost_by_loggers,
        "the counters do not add up, which is a defect of Log Replay: report it": report.imbalances,
    }
    return [message for message, found in problems.items() if found]
