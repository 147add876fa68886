"""Whether the objects of a run are what they were when it was planned."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import structlog

from log_replay.errors import ConfigurationError
from log_replay.ledger.backlog import units_owed
from log_replay.models import Run, RunUnit
from log_replay.records import SourceObject
from log_replay.records import Unit as PlannedUnit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from log_replay.records import SkippedObject

log = structlog.get_logger(__name__)


class Kept(NamedTuple):
    """An object of the run as it was when the run was planned, and what is done of it."""

    object: SourceObject
    offset: int
    begun: bool
    done: bool


def refuse_changes(run: Run, planned: Iterable[PlannedUnit | SkippedObject]) -> None:
    """Compare what is planned now with what was planned first.

    What was added since is no part of the run. An object that changed before it was begun is read as it is now.

    Raises:
        ConfigurationError: an object of which a part is done has changed: to go on would mix two versions of it.
    """
    listed = (unit.object for unit in planned if isinstance(unit, PlannedUnit))
    now: SourceObject | None = next(listed, None)
    for kept in _kept(run):
        # Both are in the order of the names.
        while now and now.name < kept.object.name:
            now = next(listed, None)
        found = now if now and now.name == kept.object.name else None
        if found and _same(found, kept.object):
            continue
        _judge(run, kept, found)


def _judge(run: Run, kept: Kept, found: SourceObject | None) -> None:
    name = kept.object.name
    if kept.begun and not kept.done:
        raise ConfigurationError(
            "it changed since a part of it was replayed" if found else "it is gone, and only a part of it was replayed",
            operation="resume",
            object=name,
            offset=kept.offset,
            hint=f"put it back as it was, or replay it anew under another name than --run {run.name}",
        )
    if not found:
        return  # if it was to be read, that fails and is reported; if it was done, it is no longer needed
    log.warning("object changed since the run was planned", object=name, replayed_before=kept.done)
    if not kept.done:
        run.units.filter(object=name).update(size_bytes=found.size_bytes, version=found.version)


def _kept(run: Run) -> Iterator[Kept]:
    owed = units_owed(run)
    rows = run.units.iterator(chunk_size=1000)
    for name, group in groupby(rows, key=lambda row: row.object):
        units = list(group)
        yield Kept(
            SourceObject(name, units[0].size_bytes, units[0].version),
            offset=max(unit.offset or 0 for unit in units),
            begun=any(unit.state != RunUnit.State.WAITING for unit in units),
            done=all(unit.state == RunUnit.State.DONE and unit.number not in owed for unit in units),
        )


def _same(one: SourceObject, other: SourceObject) -> bool:
    versions = None in {one.version, other.version} or one.version == other.version
    return versions and one.size_bytes == other.size_bytes
