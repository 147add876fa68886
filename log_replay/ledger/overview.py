"""The state and the progress of the runs in the ledger, for ``replay_runs`` and the admin."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, F, Q, Sum, When
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone

from log_replay.counters import Counters, RouteCounters
from log_replay.ledger.backlog import first_undelivered
from log_replay.ledger.lease import is_dead
from log_replay.models import Run, RunUnit
from log_replay.records import Position

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from log_replay.records import LineRange

#: The state of a run whose process died without recording a reason. It can be resumed like a stopped run.
INTERRUPTED = "interrupted"
#: The state of a run that has finished without delivering everything. Resuming it does not help.
INCOMPLETE = "incomplete"
#: The number of failed objects whose errors are shown.
FAILURES = 20


@dataclass(frozen=True)
class RunProgress:
    """The progress of a run, in units and in bytes as stored."""

    planned: bool
    units: int
    done: int
    failed: int
    total_bytes: int
    done_bytes: int

    @property
    def percent(self) -> float:
        """The percentage of bytes, or of units if the sizes are not known. A run without a plan has none."""
        if not self.planned:
            return 0.0
        done, total = (self.done_bytes, self.total_bytes) if self.total_bytes else (self.done, self.units)
        return 100.0 * done / total if total else 100.0


@dataclass(frozen=True)
class RouteProgress:
    """The progress of one route.

    Attributes:
        counters: the counters of the statements that the route wants.
        percent: the progress of the run, reduced by the backlog of the route.
        reached: the first line that the route has not received; None if the route has no backlog.
    """

    counters: RouteCounters
    percent: float
    reached: Position | None

    def as_dict(self) -> dict[str, Any]:
        """Return the progress as JSON values."""
        reached = self.reached._asdict() if self.reached else None
        return {**asdict(self.counters), "percent": round(self.percent, 1), "reached": reached}


def runs() -> QuerySet[Run]:
    """Return the runs with the numbers that their progress is computed from, in one query."""
    # Offsets in a compressed object can be greater than its size.
    span = Greatest(Coalesce("units__end", "units__size_bytes") - F("units__start"), 0)
    reached = Least("units__offset", Coalesce("units__end", "units__size_bytes")) - F("units__start")
    done = Q(units__state=RunUnit.State.DONE)
    return Run.objects.annotate(
        unit_count=Count("units"),
        done_count=Count("units", filter=done),
        failed_count=Count("units", filter=Q(units__state=RunUnit.State.FAILED)),
        total_bytes=Coalesce(Sum(span), 0),
        done_bytes=Coalesce(Sum(Case(When(done, then=span), When(units__offset__isnull=False, then=reached))), 0),
    ).order_by("-created")


def progress(run: Any) -> RunProgress:
    """Return the progress of one of ``runs()``."""
    return RunProgress(run.planned, run.unit_count, run.done_count, run.failed_count, run.total_bytes, run.done_bytes)


def forget_old(days: float, *, unfinished: bool) -> list[str]:
    """Delete the runs that have not been updated for some days, and return their names.

    Args:
        days: the number of days.
        unfinished: also delete runs that could be resumed.
    """
    now = timezone.now()
    old = Run.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), updated__lte=now - timedelta(days=days))
    if not unfinished:
        old = old.filter(state=Run.State.FINISHED)
    # One by one, and only if the conditions still hold: the run may have been resumed meanwhile.
    return [run.name for run in old.order_by("created") if old.filter(pk=run.pk).delete()[0]]


def state(run: Run) -> str:
    """Return the current state of a run: the process of a running run may be dead."""
    if run.state == Run.State.FINISHED and run.reason:
        return INCOMPLETE
    if run.state != Run.State.RUNNING:
        return str(run.state)
    gone = run.lease_until is None or run.lease_until < timezone.now() or is_dead(run.owner)
    return INTERRUPTED if gone else str(run.state)


def counters(run: Run) -> Counters:
    """Return the counters of all units."""
    total = Counters()
    for stored in run.units.exclude(counters={}).values_list("counters", flat=True).iterator():
        total += Counters(**stored)
    return total


def failures(run: Run) -> dict[str, str]:
    """Return the errors of the first objects that could not be read to their end."""
    failed = run.units.filter(state=RunUnit.State.FAILED).values_list("object", "error")
    return {**run.counts.get("failed_objects", {}), **dict(failed[:FAILURES])}


def routes(run: Any) -> dict[str, RouteProgress]:
    """Return the progress of each route, for one of ``runs()``."""
    undelivered = first_undelivered(run)
    percent = progress(run).percent
    return {
        name: _route_progress(RouteCounters(**counters), percent, undelivered.get(name))
        for name, counters in run.counts.get("routes", {}).items()
    }


def _route_progress(counters: RouteCounters, percent: float, undelivered: LineRange | None) -> RouteProgress:
    done = counters.delivered + counters.duplicate + counters.failed
    share = done / (done + counters.undelivered) if counters.undelivered else 1.0
    reached = Position(undelivered.object, undelivered.first) if undelivered else None
    return RouteProgress(counters, percent * share, reached)


def as_dict(run: Any) -> dict[str, Any]:
    """Return everything about one of ``runs()`` as JSON values, without learner data and secrets."""
    return {
        "name": run.name,
        "state": state(run),
        "reason": run.reason,
        "percent": round(progress(run).percent, 1),
        "units": {"all": run.unit_count, "done": run.done_count, "failed": run.failed_count},
        "batches": run.batches,
        "counters": asdict(counters(run)),
        "routes": {name: route.as_dict() for name, route in routes(run).items()},
        "failed_objects": failures(run),
        "refusals": run.counts.get("refusals", {}),
        "rejects_by_reason": run.counts.get("rejects_by_reason", {}),
        "configuration": run.identity,
        "created": run.created.isoformat(timespec="seconds"),
        "updated": run.updated.isoformat(timespec="seconds"),
        "finished": run.finished.isoformat(timespec="seconds") if run.finished else None,
    }
