"""Compare the objects of a resumed run with those of its stored plan."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import structlog

from log_replay.errors import ConfigurationError
from log_replay.ledger.backlog import units_with_backlog
from log_replay.models import Run, RunUnit
from log_replay.records import SourceObject
from log_replay.records import Unit as PlannedUnit
from log_replay.storage.local import same_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from log_replay.records import SkippedObject

log = structlog.get_logger(__name__)


class PlannedObject(NamedTuple):
    """An object as it was when the run was planned, and its progress."""

    object: SourceObject
    head: str
    offset: int
    begun: bool
    done: bool


def refuse_changes(
    run: Run, planned: Iterable[PlannedUnit | SkippedObject], read_head: Callable[[SourceObject], str]
) -> None:
    """Compare the current listing with the stored plan.

    New objects do not belong to the run. An object that changed before it was begun is read as it is now. A log that
    has only grown since a part of it was replayed is read up to its planned size.

    Args:
        run: the run.
        planned: the current listing.
        read_head: returns a digest of the first bytes of an object.

    Raises:
        ConfigurationError: an object has changed since a part of it was replayed. The run would mix two versions.
    """
    listed = (unit.object for unit in planned if isinstance(unit, PlannedUnit))
    now: SourceObject | None = next(listed, None)
    for kept in _planned_objects(run):
        # Both are sorted by name.
        while now and now.name < kept.object.name:
            now = next(listed, None)
        found = now if now and now.name == kept.object.name else None
        if found and _same(found, kept.object):
            continue
        if found and kept.begun and not kept.done and _has_grown(kept, found, read_head):
            _end_at_planned_size(run, kept.object)
            continue
        _check_change(run, kept, found)


def _check_change(run: Run, kept: PlannedObject, found: SourceObject | None) -> None:
    name = kept.object.name
    if kept.begun and not kept.done:
        raise ConfigurationError(
            "it changed after a part of it was replayed" if found else "it is gone, and only a part of it was replayed",
            operation="resume",
            object=name,
            offset=kept.offset,
            hint=f"restore it, or replay it in a new run with another name than --run {run.name}",
        )
    if not found:
        return  # reading it fails and is reported, or it is done and not needed any more
    log.warning("object changed since the run was planned", object=name, replayed_before=kept.done)
    if not kept.done:
        run.units.filter(object=name).update(size_bytes=found.size_bytes, version=found.version)


def _has_grown(kept: PlannedObject, found: SourceObject, read_head: Callable[[SourceObject], str]) -> bool:
    """Return True if a log is the same file as before, longer, and begins with the same bytes."""
    if kept.object.size_bytes is None or found.size_bytes is None or found.size_bytes <= kept.object.size_bytes:
        return False
    return bool(kept.head) and read_head(kept.object) == kept.head


def _end_at_planned_size(run: Run, kept: SourceObject) -> None:
    log.info("the log has grown since the run was planned; it is read up to its planned size", object=kept.name)
    for unit in run.units.filter(object=kept.name, end=None):
        unit.end = max(kept.size_bytes or 0, unit.counted_to, unit.offset or 0)
        unit.save(update_fields=["end"])


def _planned_objects(run: Run) -> Iterator[PlannedObject]:
    with_backlog = units_with_backlog(run)
    split: dict[str, list[RunUnit]] = {}
    for row in run.units.exclude(split_from=None):
        split.setdefault(row.object, []).append(row)
    rows = run.units.filter(split_from=None).iterator(chunk_size=1000)
    for name, group in groupby(rows, key=lambda row: row.object):
        units = [*group, *split.get(name, ())]
        yield PlannedObject(
            SourceObject(name, units[0].size_bytes, units[0].version),
            head=next((unit.head for unit in units if unit.head), ""),
            offset=max(unit.offset or 0 for unit in units),
            begun=any(unit.state != RunUnit.State.WAITING for unit in units),
            done=all(unit.state == RunUnit.State.DONE and unit.number not in with_backlog for unit in units),
        )


def _same(one: SourceObject, other: SourceObject) -> bool:
    return same_version(one.version, other.version) and one.size_bytes == other.size_bytes
