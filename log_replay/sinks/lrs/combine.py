"""Combine the results of a batch at all routes into one delivery."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

from log_replay.counters import RouteCounters
from log_replay.records import Delivery, Undelivered
from log_replay.sinks.lrs.bisection import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from log_replay.sinks.lrs.route_batch import RouteBatch


def combine_results(
    known_outcomes: Sequence[Outcome],
    route_batches: Mapping[str, RouteBatch],
    removed_routes: Mapping[str, int] = MappingProxyType({}),
) -> Delivery:
    """Return the delivery of a batch.

    The outcome of a statement is the highest of its outcomes at all routes. While one route has not received the
    statement, it counts as failed.

    Args:
        known_outcomes: the outcome of each statement at routes that are not in ``route_batches``.
        route_batches: the batch at each route, by the route's name.
        removed_routes: routes with a backlog that are no longer configured, and the size of their backlog.
    """
    available = [route_batch for route_batch in route_batches.values() if not route_batch.unavailable]
    unavailable = [route_batch for route_batch in route_batches.values() if route_batch.unavailable]
    outcomes = _highest_outcomes(known_outcomes, available)
    undelivered_numbers = _undelivered_numbers(len(outcomes), unavailable, removed_routes)
    counts_by_route = {name: _route_counters(route_batch) for name, route_batch in route_batches.items()}
    backlog = {name: counters.undelivered for name, counters in counts_by_route.items() if counters.undelivered}
    undelivered = Undelivered(
        routes={**removed_routes, **backlog},
        outcomes=[outcome.name.lower() for outcome in outcomes],
        refusals=[refusal for route_batch in unavailable for refusal in route_batch.refusals()],
    )
    return _counted(outcomes, undelivered_numbers)._replace(
        failures=tuple(failure for route_batch in available for failure in route_batch.failures()),
        refusals=tuple(refusal for route_batch in available for refusal in route_batch.refusals()),
        routes=counts_by_route,
        undelivered=undelivered if undelivered_numbers else None,
    )


def _highest_outcomes(known_outcomes: Sequence[Outcome], route_batches: Sequence[RouteBatch]) -> list[Outcome]:
    outcomes = list(known_outcomes)
    for route_batch in route_batches:
        for routed, result in route_batch.results():
            outcomes[routed.number] = max(outcomes[routed.number], result.outcome)
    return outcomes


def _undelivered_numbers(
    count: int, unavailable: Sequence[RouteBatch], removed_routes: Mapping[str, int]
) -> Collection[int]:
    """Return the numbers of the statements that a route has not received.

    Nothing is known of the filters of removed routes, so all statements of the batch count as undelivered.
    """
    if removed_routes:
        return range(count)
    return {routed.number for route_batch in unavailable for routed in route_batch.routed}


def _route_counters(route_batch: RouteBatch) -> RouteCounters:
    if route_batch.unavailable:
        return RouteCounters(undelivered=len(route_batch.routed), unavailable=str(route_batch.unavailable))
    count = Counter(result.outcome for _, result in route_batch.results())
    return RouteCounters(count[Outcome.DELIVERED], count[Outcome.DUPLICATE], count[Outcome.FAILED])


def _counted(reached: Sequence[Outcome], undelivered_numbers: Collection[int]) -> Delivery:
    outcomes = [Outcome.FAILED if number in undelivered_numbers else outcome for number, outcome in enumerate(reached)]
    count = Counter(outcomes)
    mixed = len(count) > 1 or undelivered_numbers
    return Delivery(
        delivered=count[Outcome.DELIVERED],
        duplicate=count[Outcome.DUPLICATE],
        unrouted=count[Outcome.UNROUTED],
        failed=count[Outcome.FAILED],
        outcomes=[outcome.name.lower() for outcome in outcomes] if mixed else (),
    )
