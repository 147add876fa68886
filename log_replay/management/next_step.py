"""The next step after a run that is not complete: a command line, ready to copy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay.ledger.factory import program, resume_command
from log_replay.ledger.run_configuration import stored_command
from log_replay.options.arguments import command_words
from log_replay.terminal_text import shell_quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.options import Options
    from log_replay.report import Report

RUN_AGAIN = "running the same command again is safe: it creates no duplicates"


def next_step(report: Report, options: Options) -> str:
    """Return the next step, with its command line."""
    if options.dry_run and not report.run:
        return "run the same command again"
    command = stored_command(options.given)
    if report.run and (report.stopped or report.failed_objects or report.routes_with_backlog):
        return f"to continue: {resume_command(report.run, command)}"
    if report.total.failed and not report.stopped and options.source.provider != "STDIN":
        return _step_after_refusals(options, command)
    return RUN_AGAIN


def _step_after_refusals(options: Options, command: Mapping[str, Any]) -> str:
    """Return the command that sends the refused statements again. Resuming the run would not send them."""
    command = {name: value for name, value in command.items() if name not in {"from_rejects", "rejects"}}
    if not options.rejects:
        # Nothing says which statements were refused. A repeated run sends all of them, and lists the refused ones.
        again = _command_line({**command, "rejects": "rejects.jsonl"})
        return f"when their cause is fixed, send all statements again, which creates no duplicates: {again}"
    listed = str(options.rejects)
    again = _command_line({**command, "from_rejects": listed, "rejects": f"{listed}.2"})
    return f"when their cause is fixed, send them again: {again}"


def _command_line(command: Mapping[str, Any]) -> str:
    if command.get("withheld"):
        changed = {name: command[name] for name in ("from_rejects", "rejects") if name in command}
        return f"the same command with {_joined(command_words(changed))}, and without --run"
    # Without --to, the short verb has another destination.
    verb = "replay" if program() == "log-replay" and "to" in command else "replay_tracking_logs"
    words = command_words(
        {name: value for name, value in command.items() if (name, value) != ("base", str(Path.cwd()))}
    )
    return f"{program()} {verb} {_joined(words)}"


def _joined(words: list[str]) -> str:
    return " ".join(map(shell_quoted, words))
