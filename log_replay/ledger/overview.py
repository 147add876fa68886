"""What there is to tell about the runs in the ledger."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, F, Q, Sum, When
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from log_replay.ledger.backlog import first_owed
from log_replay.ledger.lease import is_dead
from log_replay.models import Run, RunUnit
from log_replay.records import Counters, Position, RouteCounters

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from log_replay.records import LineRange

#: The state of a run whose process died without a word; it can be resumed like one that was stopped.
INTERRUPTED = "interrupted"
#: Objects that could not be read on, of which the reasons are told.
FAILURES = 20


@dataclass(frozen=True)
class Progress:
    """How far a run has come, in units and in bytes as they lie there."""

    units: int
    done: int
    failed: int
    total_bytes: int
    done_bytes: int

    @property
    def percent(self) -> float:
        """By bytes where there are any."""
        done, total = (self.done_bytes, self.total_bytes) if self.total_bytes else (self.done, self.units)
        return 100.0 * done / total if total else 100.0


@dataclass(frozen=True)
class RouteProgress:
    """How far a route has come.

    Attributes:
        counters: what became of the statements that it wants.
        percent: of the run, less what it has missed of what is done.
        reached: up to which line it has everything; None if it is as far as the run.
    """

    counters: RouteCounters
    percent: float
    reached: Position | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        reached = self.reached._asdict() if self.reached else None
        return {**asdict(self.counters), "percent": round(self.percent, 1), "reached": reached}


def runs() -> QuerySet[Run]:
    """Return the runs with all that their progress is made of, in one query."""
    span = Coalesce("units__end", "units__size_bytes") - F("units__start")
    reached = Least("units__offset", Coalesce("units__end", "units__size_bytes")) - F("units__start")
    done = Q(units__state=RunUnit.State.DONE)
    return Run.objects.annotate(
        unit_count=Count("units"),
        done_count=Count("units", filter=done),
        failed_count=Count("units", filter=Q(units__state=RunUnit.State.FAILED)),
        total_bytes=Coalesce(Sum(span), 0),
        done_bytes=Coalesce(Sum(Case(When(done, then=span), When(units__offset__isnull=False, then=reached))), 0),
    ).order_by("-created")


def progress(run: Any) -> Progress:
    """Return the progress of one of ``runs()``."""
    return Progress(run.unit_count, run.done_count, run.failed_count, run.total_bytes, run.done_bytes)


def forget_old(days: float, *, unfinished: bool) -> list[str]:
    """Delete the runs that nobody has worked on for so many days, and return their names.

    Args:
        days: how many.
        unfinished: whether also those that could be resumed.
    """
    now = timezone.now()
    old = Run.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), updated__lte=now - timedelta(days=days))
    if not unfinished:
        old = old.filter(state=Run.State.FINISHED)
    # One by one, and only if it is still so: somebody may have resumed it meanwhile.
    return [run.name for run in old.order_by("created") if old.filter(pk=run.pk).delete()[0]]


def state(run: Run) -> str:
    """Return a run's state as it is now: what says it runs may have died."""
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
    """Return why objects could not be read to their end, of the first of them."""
    failed = run.units.filter(state=RunUnit.State.FAILED).values_list("object", "error")
    return {**run.counts.get("failed_objects", {}), **dict(failed[:FAILURES])}


def routes(run: Any) -> dict[str, RouteProgress]:
    """Return how far each route of the destination has come, of one of ``runs()``."""
    owed = first_owed(run)
    percent = progress(run).percent
    return {
        name: _route_progress(RouteCounters(**fared), percent, owed.get(name))
        for name, fared in run.counts.get("routes", {}).items()
    }


def _route_progress(fared: RouteCounters, percent: float, owed: LineRange | None) -> RouteProgress:
    had = fared.delivered + fared.duplicate + fared.failed
    share = had / (had + fared.undelivered) if fared.undelivered else 1.0
    return RouteProgress(fared, percent * share, Position(owed.object, owed.first) if owed else None)


def as_dict(run: Any) -> dict[str, Any]:
    """Return all that is told about one of ``runs()``; no learner data, no secrets."""
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
        "refused_by_the_destination": run.counts.get("failures", {}),
        "rejects_by_reason": run.counts.get("rejects_by_reason", {}),
        "configuration": run.identity,
        "created": run.created.isoformat(timespec="seconds"),
        "updated": run.updated.isoformat(timespec="seconds"),
        "finished": run.finished.isoformat(timespec="seconds") if run.finished else None,
    }
