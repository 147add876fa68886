"""What became of a batch at each route -> what became of it."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from log_replay.records import Delivery, RouteCounters, Undelivered
from log_replay.sinks.lrs.bisection import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.records import Refusal
    from log_replay.sinks.lrs.route_batch import RouteBatch


def combine_results(
    before: Sequence[Outcome], sendings: Mapping[str, RouteBatch], gone: Mapping[str, int] = MappingProxyType({})
) -> Delivery:
    """Return the delivery of a batch.

    Args:
        before: what each of its statements came to at routes that are not among these.
        sendings: the batch at each route, by the route's name.
        gone: routes that are owed so many of its statements, and that nobody knows any more.
    """
    reached = list(before)
    missing: set[int] = set(range(len(reached))) if gone else set()
    refusals: list[Refusal] = []
    missed_refusals: list[Refusal] = []
    failures: dict[str, None] = {}
    routes: dict[str, RouteCounters] = {}
    for name, sending in sendings.items():
        fared: Counter[Outcome] = Counter()
        for wanted, fate in sending.fates():
            fared[fate.outcome] += 1
            if sending.lost:
                missing.add(wanted.number)
                missed_refusals.append(sending.refusal(wanted, fate))
                continue
            reached[wanted.number] = max(reached[wanted.number], fate.outcome)
            if fate.outcome is Outcome.FAILED:
                refusals.append(sending.refusal(wanted, fate))
                failures[sending.failure(fate)] = None
        routes[name] = _counted(fared, sending)
    return _delivery(
        reached,
        missing,
        Undelivered(
            {**gone, **{name: counters.undelivered for name, counters in routes.items() if counters.undelivered}},
            [outcome.name.lower() for outcome in reached] if missing else (),
            missed_refusals,
        ),
    )._replace(failures=tuple(failures), refusals=tuple(refusals), routes=routes)


def _counted(fared: Counter[Outcome], sending: RouteBatch) -> RouteCounters:
    if sending.lost:
        return RouteCounters(undelivered=fared.total(), lost=str(sending.lost))
    return RouteCounters(fared[Outcome.DELIVERED], fared[Outcome.DUPLICATE], fared[Outcome.FAILED])


def _delivery(reached: Sequence[Outcome], missing: set[int], undelivered: Undelivered) -> Delivery:
    outcomes = [Outcome.FAILED if number in missing else outcome for number, outcome in enumerate(reached)]
    count = Counter(outcomes)
    return Delivery(
        delivered=count[Outcome.DELIVERED],
        duplicate=count[Outcome.DUPLICATE],
        unrouted=count[Outcome.UNROUTED],
        failed=count[Outcome.FAILED],
        outcomes=[outcome.name.lower() for outcome in outcomes] if len(count) > 1 or missing else (),
        undelivered=undelivered if missing else None,
    )
