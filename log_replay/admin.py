"""The ledger in Django's admin: to be looked at, never to be changed. Only the admin imports it, where there is one."""

from __future__ import annotations

from dataclasses import asdict
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
    """Nobody adds, changes or deletes anything here; ``replay_runs`` does."""

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody may."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody may."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody may."""
        return False


@admin.register(Run)
class RunAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Runs with a progress bar each."""

    list_display = ("name", "now", "progress", "units_done", "created", "updated")
    list_filter = ("state",)
    search_fields = ("name",)
    fields = (
        "name", "now", "reason", "progress", "units_done", "counters", "routes", "failures", "rejects", "configuration",
        "batches", "created", "updated", "finished",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:  # noqa: ARG002 - Django's
        """Return the runs with their progress."""
        return overview.runs()

    @admin.display(description="state")
    def now(self, run: Run) -> str:
        """Return the state of a run, whose process may have died."""
        return overview.state(run)

    @admin.display(description="progress")
    def progress(self, run: Run) -> str:
        """Draw the bar."""
        return _bar(overview.progress(run).percent)

    @admin.display(description="units")
    def units_done(self, run: Run) -> str:
        """Return how many units are done, and how many could not be."""
        progress = overview.progress(run)
        failed = f", {progress.failed} failed" if progress.failed else ""
        return f"{progress.done} of {progress.units}{failed}"

    @admin.display(description="counters")
    def counters(self, run: Run) -> str:
        """Return the counters of the whole run."""
        return _table({name: f"{value:,}" for name, value in asdict(overview.counters(run)).items()})

    @admin.display(description="routes")
    def routes(self, run: Run) -> str:
        """Draw a bar for each route of the destination, and say what it misses and why."""
        return _table({name: _route(route) for name, route in overview.routes(run).items()})

    @admin.display(description="failures")
    def failures(self, run: Run) -> str:
        """Return what could not be read or was not taken."""
        refused = {f"refused ({count})": failure for failure, count in run.counts.get("failures", {}).items()}
        return _table({**overview.failures(run), **refused})

    @admin.display(description="rejects by reason")
    def rejects(self, run: Run) -> str:
        """Return how many lines were rejected, and why."""
        return _table(run.counts.get("rejects_by_reason", {}))

    @admin.display(description="configuration")
    def configuration(self, run: Run) -> str:
        """Return what the run was asked to do."""
        return _table({name: value for name, value in run.identity.items() if value not in (None, [], False)})


@admin.register(RunUnit)
class UnitAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # no generic at run time
    """Units, to find out where a run stands."""

    list_display = ("run", "number", "object", "start", "end", "offset", "state", "error", "updated")
    list_filter = ("state", "run")
    list_select_related = ("run",)
    exclude: ClassVar[tuple[str, ...]] = ("lines",)


def _bar(percent: float) -> str:
    shown = f"{percent:.1f}"
    return format_html('<progress max="100" value="{}" aria-label="progress"></progress> {} %', shown, shown)


def _route(route: overview.RouteProgress) -> str:
    fared = route.counters
    said = f"{fared.delivered:,} delivered, {fared.duplicate:,} duplicate, {fared.failed:,} failed"
    if fared.undelivered:
        said += f", {fared.undelivered:,} missed"
        said += f" from {route.reached.object} at {route.reached.offset:,} on" if route.reached else ""
    return format_html("{} {}{}", _bar(route.percent), said, f": {fared.lost}" if fared.lost else "")


def _table(rows: Mapping[str, Any]) -> str:
    cells = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', rows.items())
    return format_html("<table>{}</table>", cells) if rows else "none"
