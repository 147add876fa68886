"""The ledger in Django's admin, read-only. Django imports this module only if the admin is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.utils.html import format_html, format_html_join

from log_replay.ledger import overview
from log_replay.models import Run, RunUnit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from django.http import HttpRequest


class ReadOnly:
    """A model that the admin does not add, change or delete. ``replay_runs`` deletes runs."""

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Return False."""
        return False


@admin.register(Run)
class RunAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """The runs, each with a progress bar."""

    list_display = ("name", "now", "progress", "units_done", "created", "updated")
    list_filter = ("state",)
    search_fields = ("name",)
    fields = (
        "name", "now", "reason", "progress", "units_done", "processes", "counters", "routes", "failures", "rejects",
        "configuration", "batches_done", "created", "updated", "finished",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:  # noqa: ARG002 - Django's signature
        """Return the runs with their progress."""
        return overview.runs()

    @admin.display(description="state")
    def now(self, run: Run) -> str:
        """Return the state, which takes into account that the process may be dead."""
        return overview.state(run)

    @admin.display(description="progress")
    def progress(self, run: Run) -> str:
        """Return the progress bar."""
        return _bar(overview.progress(run).percent)

    @admin.display(description="units")
    def units_done(self, run: Run) -> str:
        """Return the numbers of done and failed units."""
        progress = overview.progress(run)
        failed = f", {progress.failed} failed" if progress.failed else ""
        return f"{progress.done} of {progress.units}{failed}"

    @admin.display(description="processes")
    def processes(self, run: Run) -> str:
        """Return the living processes of the run, and what each of them reads."""
        return _table({process.name: _process(process) for process in overview.processes(run)})

    @admin.display(description="batches")
    def batches_done(self, run: Any) -> str:
        """Return the number of recorded batches."""
        return f"{run.batches + run.joined_batches:,}"

    @admin.display(description="counters")
    def counters(self, run: Run) -> str:
        """Return the counters of the whole run."""
        found = overview.counters(run).as_dict(dry_run=overview.is_dry(run))
        return _table({name: f"{value:,}" for name, value in found.items()})

    @admin.display(description="routes")
    def routes(self, run: Run) -> str:
        """Return a progress bar for each route of the destination, with its counters and its backlog."""
        routes = overview.routes(run, overview.counts(run)["routes"])
        return _table({name: _route(route) for name, route in routes.items()})

    @admin.display(description="failures")
    def failures(self, run: Run) -> str:
        """Return the errors of objects, and the refusals of the destination."""
        counts = overview.counts(run)
        refused = {
            failure: f"{count:,} {'statement' if count == 1 else 'statements'} refused"
            for failure, count in counts["refusals"].items()
        }
        return _table({**overview.failures(run, counts["failed_objects"]), **refused})

    @admin.display(description="rejects by reason")
    def rejects(self, run: Run) -> str:
        """Return the number of rejects by reason."""
        return _table(overview.counts(run)["rejects_by_reason"])

    @admin.display(description="configuration")
    def configuration(self, run: Run) -> str:
        """Return the options of the run."""
        return _table({name: value for name, value in run.identity.items() if value not in (None, [], False)})


@admin.register(RunUnit)
class UnitAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """The units of runs."""

    list_display = ("run", "number", "object", "start", "end", "offset", "state", "error", "updated")
    list_filter = ("state", "run")
    list_select_related = ("run",)
    exclude: ClassVar[tuple[str, ...]] = ("lines",)


def _bar(percent: float) -> str:
    shown = f"{percent:.1f}"
    return format_html('<progress max="100" value="{}" aria-label="progress"></progress> {} %', shown, shown)


def _process(process: overview.ProcessProgress) -> str:
    groups = f"groups {', '.join(map(str, process.groups))}" if process.groups else "the whole run"
    reading = process.reading
    return f"{groups}: {reading.object} at offset {reading.offset:,}" if reading else groups


def _route(route: overview.RouteProgress) -> str:
    counters = route.counters
    text = f"{counters.delivered:,} delivered, {counters.duplicate:,} duplicate, {counters.failed:,} failed"
    if counters.undelivered:
        text += f", {counters.undelivered:,} undelivered"
        text += f" from {route.reached.object} at offset {route.reached.offset:,} on" if route.reached else ""
    return format_html(
        "{} {}{}", _bar(route.percent), text, f": {counters.unavailable}" if counters.unavailable else ""
    )


def _table(rows: Mapping[str, Any]) -> str:
    cells = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', rows.items())
    return format_html("<table>{}</table>", cells) if rows else "none"
