"""Make the plan of a run from the listing of its source."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, TypeGuard

from log_replay.errors import ConfigurationError, DamagedObject, ReadError
from log_replay.pipeline.plan import choose_lines, cut_into_units
from log_replay.records import SkippedObject, SourceObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_replay.inspect.sampling.source import SampledSource
    from log_replay.options import Options, Place
    from log_replay.records import Unit
    from log_replay.report.progress import Progress
    from log_replay.sources import Source

#: The number of objects that are listed before the first is read, so that the progress has a total.
LISTED_AHEAD = 20_000


def plan_run(source: Source, options: Options, progress: Progress) -> Iterator[Unit | SkippedObject]:
    """Yield the units of a run. The source is listed once.

    Raises:
        ConfigurationError: there is nothing to replay.
        SourceUnavailable: the listing failed.
    """

    def is_compressed(found: SourceObject) -> bool:
        try:
            return source.is_compressed(found)
        except (ReadError, DamagedObject):
            return True  # reading it as one unit reports the error

    listing = _list_ahead(source, options.source, progress)
    if options.from_rejects is not None:
        return choose_lines(listing, options.from_rejects, options.unit_size)
    if options.sample and _is_sampled(source):
        listed = list(listing)
        if plan := source.choose([entry for entry in listed if isinstance(entry, SourceObject)], options.sample):
            sizes = {block.unit.object.name: block.unit.object.size_bytes or 0 for block in plan.blocks}
            progress.expect(len(sizes), sum(sizes.values()))
            skipped = (entry for entry in listed if isinstance(entry, SkippedObject))
            return chain(skipped, (block.unit for block in plan.blocks))
        listing = iter(listed)
    return cut_into_units(listing, options.unit_size, is_compressed)


def _is_sampled(source: Source) -> TypeGuard[SampledSource]:
    from log_replay.inspect.sampling.source import SampledSource  # noqa: PLC0415 - only for samples

    return isinstance(source, SampledSource)


def _list_ahead(source: Source, place: Place, progress: Progress) -> Iterator[SourceObject | SkippedObject]:
    """List the source, and check at once that it has any logs."""
    listing = source.objects()
    ahead = list(islice(listing, LISTED_AHEAD))
    found = [entry for entry in ahead if isinstance(entry, SourceObject)]
    if not found and len(ahead) < LISTED_AHEAD:
        skipped = [f"{entry.name} ({entry.reason})" for entry in ahead if isinstance(entry, SkippedObject)]
        but = f"; skipped {len(skipped)}: {', '.join(skipped[:3])}" if skipped else ""
        hint = f"check the {'path' if place.provider == 'PATHS' else 'prefix'}"
        raise ConfigurationError(f"no logs to replay in {place.shown}{but}", hint=hint)
    if len(ahead) < LISTED_AHEAD:
        sizes = [entry.size_bytes for entry in found]
        progress.expect(len(found), None if None in sizes else sum(size or 0 for size in sizes))
    return chain(ahead, listing)
