"""The state and the progress of the runs in the ledger, for ``replay_runs`` and the admin."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, F, OuterRef, Q, Subquery, Sum, When
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone

from log_replay.counters import Counters, RouteCounters
from log_replay.ledger.backlog import first_undelivered
from log_replay.ledger.clock import DatabaseNow
from log_replay.ledger.lease import has_live_claims, is_dead, named
from log_replay.models import Run, RunGroup, RunUnit
from log_replay.records import Position
from log_replay.report.stored import merged_counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
class ProcessProgress:
    """The work of one process of a run.

    Attributes:
        name: its host and its number there.
        groups: the groups that it has claimed; none if it works on the whole run.
        reading: the position in the unit that it reads, as far as it is recorded.
    """

    name: str
    groups: Sequence[int]
    reading: Position | None

    def as_dict(self) -> dict[str, Any]:
        """Return the work as JSON values."""
        return {
            "process": self.name,
            "groups": list(self.groups),
            "reading": self.reading._asdict() if self.reading else None,
        }


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
    groups = RunGroup.objects.filter(run=OuterRef("pk")).order_by().values("run")
    done_groups = groups.exclude(state=RunGroup.State.WAITING)
    return Run.objects.annotate(
        database_now=DatabaseNow(),
        group_count=Coalesce(Subquery(groups.annotate(count=Count("pk")).values("count")), 0),
        done_groups=Coalesce(Subquery(done_groups.annotate(count=Count("pk")).values("count")), 0),
        joined_batches=Coalesce(Subquery(groups.annotate(sum=Sum("batches")).values("sum")), 0),
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
    claimed = RunGroup.objects.filter(state=RunGroup.State.WAITING, lease_until__gt=DatabaseNow()).values("run")
    old = Run.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=DatabaseNow()), updated__lte=now - timedelta(days=days)
    )
    old = old.exclude(pk__in=claimed)
    if not unfinished:
        old = old.filter(state=Run.State.FINISHED)
    # One by one, and only if the conditions still hold: the run may have been resumed meanwhile.
    return [run.name for run in old.order_by("created") if old.filter(pk=run.pk).delete()[0]]


def state(run: Any) -> str:
    """Return the current state of one of ``runs()``: the processes of a running run may be dead."""
    if run.state == Run.State.FINISHED and run.reason:
        return INCOMPLETE
    if run.state != Run.State.RUNNING:
        return str(run.state)
    has_lease = run.lease_until is not None and run.lease_until > run.database_now and not is_dead(run.owner)
    if has_lease or has_live_claims(run.pk):
        return str(run.state)
    return str(Run.State.STOPPED) if run.stop_requested else INTERRUPTED


def is_dry(run: Run) -> bool:
    """Return True for a dry run."""
    return bool(run.identity.get("dry_run"))


def counters(run: Run) -> Counters:
    """Return the counters of all units."""
    total = Counters()
    for stored in run.units.exclude(counters={}).values_list("counters", flat=True).iterator():
        total += Counters(**stored)
    return total


def counts(run: Run) -> dict[str, Any]:
    """Return the counts of a run that are not kept by unit, with those of the processes that work on it now."""
    groups = run.groups.exclude(counts={}).values_list("counts", flat=True)
    return merged_counts([run.counts, *groups.iterator()])


def failures(run: Run, failed_objects: Mapping[str, str]) -> dict[str, str]:
    """Return the errors of the first objects that could not be read to their end.

    Args:
        run: the run.
        failed_objects: those of its counts.
    """
    failed = run.units.filter(state=RunUnit.State.FAILED).values_list("object", "error")
    return {**failed_objects, **dict(failed[:FAILURES])}


def processes(run: Any) -> list[ProcessProgress]:
    """Return the living processes of one of ``runs()``, and the unit that each is reading."""
    claimed = RunGroup.objects.filter(run=run, state=RunGroup.State.WAITING, lease_until__gt=DatabaseNow())
    groups: dict[str, list[int]] = {}
    for owner, number in claimed.order_by("number").values_list("owner", "number"):
        if not is_dead(owner):
            groups.setdefault(owner, []).append(number)
    if run.lease_until and run.lease_until > run.database_now and run.owner:
        groups.setdefault(run.owner, [])
    reading = RunUnit.objects.filter(run=run, state=RunUnit.State.BEGUN)
    numbers = [number for claimed_by_one in groups.values() for number in claimed_by_one]
    begun = {row.group: row for row in reading.filter(group__in=numbers).order_by("number")}
    return [_process(owner, numbers, begun) for owner, numbers in sorted(groups.items())]


def _process(owner: str, groups: list[int], begun: Mapping[int, RunUnit]) -> ProcessProgress:
    row = next((begun[number] for number in groups if number in begun), None)
    return ProcessProgress(named(owner), groups, Position(row.object, row.offset or row.start) if row else None)


def routes(run: Any, counters_of_routes: Mapping[str, Any]) -> dict[str, RouteProgress]:
    """Return the progress of each route, for one of ``runs()`` and the counters in its counts."""
    undelivered = first_undelivered(run)
    percent = progress(run).percent
    return {
        name: _route_progress(RouteCounters(**counters), percent, undelivered.get(name))
        for name, counters in counters_of_routes.items()
    }


def _route_progress(counters: RouteCounters, percent: float, undelivered: LineRange | None) -> RouteProgress:
    done = counters.delivered + counters.duplicate + counters.failed
    share = done / (done + counters.undelivered) if counters.undelivered else 1.0
    reached = Position(undelivered.object, undelivered.first) if undelivered else None
    return RouteProgress(counters, percent * share, reached)


def as_dict(run: Any) -> dict[str, Any]:
    """Return everything about one of ``runs()`` as JSON values, without learner data and secrets."""
    total, counted = counters(run), counts(run)
    end = run.finished or (run.database_now if state(run) == Run.State.RUNNING else run.updated)
    return {
        "name": run.name,
        "state": state(run),
        "reason": run.reason,
        "percent": round(progress(run).percent, 1),
        "units": {"all": run.unit_count, "done": run.done_count, "failed": run.failed_count},
        "groups": {"all": run.group_count, "done": run.done_groups},
        "processes": [process.as_dict() for process in processes(run)],
        "lines_per_second": round(total.lines / max((end - run.created).total_seconds(), 0.001)),
        "batches": run.batches + run.joined_batches,
        "counters": total.as_dict(dry_run=is_dry(run)),
        "routes": {name: route.as_dict() for name, route in routes(run, counted["routes"]).items()},
        "failed_objects": failures(run, counted["failed_objects"]),
        "refusals": counted["refusals"],
        "rejects_by_reason": counted["rejects_by_reason"],
        "configuration": run.identity,
        "created": run.created.isoformat(timespec="seconds"),
        "updated": run.updated.isoformat(timespec="seconds"),
        "finished": run.finished.isoformat(timespec="seconds") if run.finished else None,
    }
