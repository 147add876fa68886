"""The report of a dry run as one JSON document. Every way to show the report reads this document.

``docs/inspect.md`` describes it. A key is added without notice; a change of the meaning or the type of a key raises
``VERSION``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from log_replay import __version__
from log_replay.events.filters import option_checks
from log_replay.inspect.commands import explain_command, next_steps
from log_replay.inspect.contents import contents
from log_replay.inspect.duration import Measured, duration
from log_replay.inspect.outcome import identities, rejects, statements

if TYPE_CHECKING:
    from log_replay.inspect.profile import Profile
    from log_replay.options import Options
    from log_replay.report import Report

FORMAT, VERSION = "log-replay inspection", 1


@dataclass(frozen=True, slots=True)
class Inspected:
    """A dry run that has ended, and everything that its report is made of.

    Attributes:
        profile: the figures of the log.
        report: the report of the run: problems, objects that were left out.
        options: the configuration of the run.
        measured: the time that the run took.
    """

    profile: Profile
    report: Report
    options: Options
    measured: Measured


def inspection(inspected: Inspected) -> dict[str, Any]:
    """Return the document. It contains no learner data and no secret."""
    profile, report, options = inspected.profile, inspected.report, inspected.options
    return {
        "format": FORMAT,
        "version": VERSION,
        "log_replay": __version__,
        "transformer_type": options.transformer_type,
        "source": {"provider": options.source.provider, **options.source.public},
        "complete": report.complete,
        "stopped": report.stopped,
        "lines_not_in_report": max(0, report.total.lines - profile.counters.lines),
        "c_extension": report.c_extension,
        "filters": {"given": _filters(options), "unmatched": report.unmatched_filters},
        "sample": None,
        "intervals": {},
        "contents": contents(profile, report),
        "statements": statements(profile),
        "rejects": _with_commands(rejects(profile), options),
        "identities": identities(profile),
        "validation": profile.validation.as_dict() if profile.validation else None,
        "duration": duration(profile, options, inspected.measured),
        "next": next_steps(options),
    }


def extrapolate_duration(document: dict[str, Any], inspected: Inspected) -> None:
    """Compute the time of a real replay again, after the figures of a sample were extrapolated to the whole log."""
    profile = inspected.profile
    if document["sample"] and profile.size_bytes:
        scale = document["contents"]["bytes"] / profile.size_bytes
        events = document["statements"]["events"]
        document["duration"] = duration(profile, inspected.options, inspected.measured, scale=scale, events=events)


def _with_commands(found: dict[str, Any], options: Options) -> dict[str, Any]:
    """Add the command that explains the first line of each reason."""
    for reason in found["reasons"]:
        reason["explain"] = explain_command(options, reason["first"])
    return found


def _filters(options: Options) -> list[str]:
    """Return the options that select events, as they were given."""
    times = [f"--{name} {options.given[name]}" for name in ("since", "until") if options.given.get(name)]
    return [*times, *option_checks(options.filters)]
