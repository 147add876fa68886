"""Extrapolate the report of a sample to the whole log: every figure becomes an estimate with a 95 % interval.

The figures are those of the report's document, by their path: all numbers that add up over the parts of a log. The rest
of the document says what the sample has: objects, times, places, and examples of names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.counters import ValidationCounts
from log_replay.inspect.contents import contents, share
from log_replay.inspect.outcome import identities, rejects, statements
from log_replay.inspect.profile import Profile
from log_replay.inspect.sampling.estimates import Estimate, SampleEstimator
from log_replay.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from log_replay.inspect.sampling.blocks import SampledBlock, SamplePlan
    from log_replay.inspect.sampling.source import SampledSource
    from log_replay.records import BlockResult, Unit

Path = tuple[str | int, ...]
#: The sections of the document whose numbers add up, and which of them; None for all.
_SUMS: dict[tuple[str, ...], tuple[str, ...] | None] = {
    ("contents",): (
        *("bytes", "lines", "blank_lines", "unparsable_lines", "unknown_lines", "filtered_lines", "known_lines"),
        "lines_without_time",
    ),
    ("contents", "unknown_events"): None,
    ("statements",): ("count", "events", "bytes", "without_time", "without_course"),
    ("statements", "by_event"): None,
    ("statements", "by_verb"): None,
    ("statements", "by_course"): None,
    ("statements", "by_org"): None,
    ("statements", "events_by_transform_path"): None,
    ("statements", "clickhouse"): None,
    ("rejects",): ("count",),
    ("validation",): ("checked", "invalid"),
}
#: Places of numbers of a dictionary in dictionaries.
_NESTED = {("statements", "line_limits"): "statements_over", ("identities",): "rejected_events"}
#: A sample shows holes if it has at least this number of blocks for each day with lines.
BLOCKS_PER_STEP = 3
_COLUMNS = ("lines", "statements")


class SampleFigures:
    """Collects the figures of each block of a sample. It does nothing if everything is read.

    Args:
        source: the source of the blocks.
    """

    def __init__(self, source: SampledSource) -> None:
        self._source = source
        self._block: SampledBlock | None = None
        self._profile = Profile()
        self._validation: ValidationCounts | None = None
        self._estimator = SampleEstimator()

    def begin(self, unit: Unit) -> None:
        """Begin the block of a unit."""
        self._finish()
        if self._source.plan is None:
            return
        self._block = self._source.plan.blocks[unit.number]
        self._profile = Profile()
        self._profile.begin(self._block.unit.object)

    def add(self, result: BlockResult) -> None:
        """Add lines of the block."""
        if self._block is None:
            return
        self._profile.add(result)
        if result.validation:
            self._validation = self._validation or ValidationCounts()
            self._validation += result.validation

    def _finish(self) -> None:
        """Finish the last block."""
        if self._block is None:
            return
        weight = self._block.weight.without(self._source.cut_off.get(self._block.unit.number, 0.0))
        self._estimator.add(weight, dict(_figures(_sections(self._profile, self._validation))))
        self._block = self._validation = None

    def extrapolate(self, document: dict[str, Any]) -> None:
        """Replace the figures of the sample in a document by estimates for the whole log, and add their intervals."""
        self._finish()
        plan = self._source.plan
        if plan is None:
            return
        extrapolation = _Extrapolation(document, self._estimator)
        extrapolation.replace()
        document["sample"] = _described(plan)
        _check_holes(document["contents"], len(plan.blocks))
        document["contents"]["objects"] = plan.objects
        document["contents"]["stored_bytes"] = plan.stored_bytes
        document["intervals"] = extrapolation.intervals


def _described(plan: SamplePlan) -> dict[str, Any]:
    """Return how the lines were chosen, for the document."""
    read = sum(block.weight.read_bytes for block in plan.blocks)
    beginnings = sum(block.stored_bytes or 0 for block in plan.blocks)
    return {
        "blocks": len(plan.blocks),
        "objects": plan.objects,
        "sampled_objects": len({block.unit.object.name for block in plan.blocks}),
        "stored_bytes": plan.stored_bytes,
        "read_bytes": read,
        "share": share(read, plan.stored_bytes),
        "compressed_objects": plan.compressed_objects,
        "compressed_share": share(beginnings, plan.compressed_bytes),
    }


def _check_holes(found: dict[str, Any], blocks: int) -> None:
    """Remove the holes if the sample has too few blocks a day (or hour) to tell a hole from a quiet day."""
    holes = found["holes"]
    times = (found["by_hour"] if holes["step_hours"] == 1 else found["by_day"])["time"]
    holes["looked_for"] = blocks >= BLOCKS_PER_STEP * len(times)
    if not holes["looked_for"]:
        holes |= {"hours": 0, "list": []}


def _sections(profile: Profile, validation: ValidationCounts | None) -> dict[str, Any]:
    """Return the sections of a document that have figures."""
    return {
        "contents": contents(profile, Report()),
        "statements": statements(profile),
        "rejects": rejects(profile),
        "identities": identities(profile),
        "validation": validation.as_dict() if validation else None,
    }


def _figures(document: Mapping[str, Any]) -> Iterator[tuple[Path, int]]:
    """Yield the figures of a document that are not 0, each by a path that does not depend on the order of a list."""
    for section, names in _SUMS.items():
        found = _at(document, section)
        yield from (((*section, name), found[name]) for name in names or found if found.get(name))
    for section, name in _NESTED.items():
        found = _at(document, section)
        yield from (((*section, key, name), values[name]) for key, values in found.items() if values[name])
    yield from _figures_of_lists(document)
    for series in ("by_day", "by_hour"):
        columns = document["contents"][series] or {"time": []}
        for column in _COLUMNS if columns["time"] else ():
            counts = zip(columns["time"], columns[column], strict=True)
            yield from ((("contents", series, column, time), count) for time, count in counts if count)


def _figures_of_lists(document: Mapping[str, Any]) -> Iterator[tuple[Path, int]]:
    for reason in document["rejects"]["reasons"]:
        yield ("rejects", "reasons", reason["reason"]), reason["count"]
        for event, count in reason["by_event"].items():
            yield ("rejects", "reasons", reason["reason"], event), count
    for rule in _at(document, ("validation",)).get("rules", ()):
        yield ("validation", "rules", rule["rule"], rule["event"]), rule["statements"]


def _at(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = document
    for key in path:
        found = found.get(key) or {}
    return found


class _Extrapolation:
    """Replaces the figures of one document."""

    def __init__(self, document: dict[str, Any], estimator: SampleEstimator) -> None:
        self._document = document
        self._estimator = estimator
        self.intervals: dict[str, list[int | None]] = {}

    def replace(self) -> None:
        """Replace all figures."""
        for section, names in _SUMS.items():
            found = _at(self._document, section)
            for name in [*found] if names is None else [name for name in names if name in found]:
                self._put((*section, name), (*section, name))
        for section, name in _NESTED.items():
            for key in _at(self._document, section):
                self._put((*section, key, name), (*section, key, name))
        self._sort()
        self._replace_lists()
        self._replace_times()
        self._replace_rest()

    def _sort(self) -> None:
        """Sort names and reasons by their estimates, the largest first."""
        for section in (found for found, names in _SUMS.items() if names is None and found[-1] != "clickhouse"):
            *path, last = section
            holder = _at(self._document, tuple(path))
            holder[last] = dict(sorted(holder[last].items(), key=lambda item: (-item[1], item[0])))
        self._document["rejects"]["reasons"].sort(key=lambda reason: -self._rejects(reason))

    def _rejects(self, reason: dict[str, Any]) -> float:
        return self._estimator.estimate(("rejects", "reasons", reason["reason"])).value

    def _put(self, place: Path, figure: Path) -> None:
        """Put the estimate of a figure at a place of the document."""
        *path, last = place
        found: Any = self._document
        for key in path:
            found = found[key]
        found[last] = self._estimated(place, self._estimator.estimate(figure))

    def _estimated(self, place: Path, estimate: Estimate) -> int:
        low, value, high = int(estimate.low), round(estimate.value), -int(-estimate.high // 1)
        self.intervals["".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in place)] = [low, high]
        return value

    def _replace_lists(self) -> None:
        events = self._document["contents"]["known_lines"] + self._document["contents"]["unparsable_lines"]
        for at, reason in enumerate(self._document["rejects"]["reasons"]):
            figure: Path = ("rejects", "reasons", reason["reason"])
            self._put(("rejects", "reasons", at, "count"), figure)
            reason["share_of_events"] = share(reason["count"], events)
            for event in reason["by_event"]:
                self._put(("rejects", "reasons", at, "by_event", event), (*figure, event))
        for at, rule in enumerate(_at(self._document, ("validation",)).get("rules", ())):
            figure = ("validation", "rules", rule["rule"], rule["event"])
            self._put(("validation", "rules", at, "statements"), figure)

    def _replace_times(self) -> None:
        for series in ("by_day", "by_hour"):
            columns = self._document["contents"][series]
            for column in _COLUMNS if columns else ():
                for at, time in enumerate(columns["time"]):
                    self._put(("contents", series, column, at), ("contents", series, column, time))

    def _replace_rest(self) -> None:
        """Replace the figures that do not add up."""
        document, found = self._document, self._document["contents"]
        document["rejects"]["share_of_events"] = share(
            document["rejects"]["count"], found["known_lines"] + found["unparsable_lines"]
        )
        for values in document["identities"].values():
            values["share_of_events"] = share(values["rejected_events"], found["known_lines"])
            values["exact"] = False
        for name in ("users", "courses"):  # a sample cannot tell how many it has not seen
            self.intervals[f"/statements/{name}"] = [document["statements"][name], None]
        document["statements"]["users_exact"] = False
        for reason, values in document["identities"].items():
            self.intervals[f"/identities/{reason}/distinct"] = [values["distinct"], None]
        # Lines between the blocks may occur twice as well.
        self.intervals["/contents/repeated_lines"] = [found["repeated_lines"], None]
        for at, repeat in enumerate(found["repeats"]):
            repeat["exact"] = repeat["whole"] = False
            self.intervals[f"/contents/repeats/{at}/lines"] = [repeat["lines"], None]
        for listed in found["object_list"]:
            scale = (listed["stored_bytes"] or 0) / max(listed["bytes"], 1)
            if scale > 1:  # of a compressed object, the size is not known
                for name in ("lines", "statements", "rejects", "bytes"):
                    listed[name] = round(listed[name] * scale)
