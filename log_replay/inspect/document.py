"""The report of a dry run as one JSON document. Every way to show the report reads this document.

``docs/inspect.md`` describes it. A key is added without notice; a change of the meaning or the type of a key raises
``VERSION``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from log_replay import __version__
from log_replay.inspect.commands import next_steps
from log_replay.inspect.contents import contents
from log_replay.inspect.duration import Measured, duration
from log_replay.inspect.outcome import identities, rejects, statements

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        sample: how the lines were chosen, if not all were read; keys with units.
        intervals: the 95 % interval of each figure of a sample, by the figure's JSON pointer in the document.
    """

    profile: Profile
    report: Report
    options: Options
    measured: Measured
    sample: Mapping[str, Any] | None = None
    intervals: Mapping[str, tuple[float, float]] | None = None


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
        "c_extension": report.c_extension,
        "filters": {"given": list(report.filters), "unmatched": report.unmatched_filters},
        "sample": inspected.sample,
        "intervals": {pointer: list(ends) for pointer, ends in (inspected.intervals or {}).items()},
        "contents": contents(profile, report),
        "statements": statements(profile),
        "rejects": rejects(profile),
        "identities": identities(profile),
        "validation": report.validation.as_dict() if report.validation else None,
        "duration": duration(profile, options, inspected.measured),
        "next": next_steps(options),
    }
