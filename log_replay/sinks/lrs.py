"""Statements to LRSs (or Caliper endpoints): each batch to every route that wants it, acknowledged by each."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError, DestinationLost, RefusedBatch
from log_replay.records import Delivery
from log_replay.sinks.endpoint import Endpoint
from log_replay.sinks.retries import Patience
from log_replay.sinks.routes import enabled_routes, given_route, restricted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from log_replay.records import EventFields, Statement, TransformedEvent
    from log_replay.sinks.routes import Route

_TIMEOUT_SECONDS = 60


class Outcome(IntEnum):
    """What became of a statement, over all routes: the highest of what became of it at each."""

    UNROUTED = 0
    DUPLICATE = 1
    DELIVERED = 2
    FAILED = 3


class LrsSink:
    """Sends to several routes.

    A statement is delivered when every route that wants it has acknowledged it, failed when any has refused it,
    unrouted when none wants it, and a duplicate when the batch already held its id for every route that wants it.

    Args:
        routes: at least one.
        transformer_type: ``xapi`` or ``caliper``.
        timeout_seconds: how long to wait for an answer.
        patience: how often to try again.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        transformer_type: str,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        patience: Patience | None = None,
    ) -> None:
        self._is_xapi = transformer_type == "xapi"
        self._endpoints = [
            Endpoint(
                route,
                transformer_type=transformer_type,
                timeout_seconds=timeout_seconds,
                patience=patience or Patience(),
            )
            for route in routes
        ]

    def check(self) -> None:
        """Ask each route's host whether it is there."""
        for endpoint in self._endpoints:
            endpoint.check()

    def routes(self, fields: EventFields) -> int:
        """Ask each route's ``match_params``, as upstream does."""
        return sum(endpoint.route.allows(fields) << bit for bit, endpoint in enumerate(self._endpoints))

    def restore(self, receipts: Sequence[Mapping[str, Any]]) -> None:
        """Do nothing: statements have ids, so that what is sent again is a duplicate."""

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Send to one route after the other; one that is lost keeps no other from getting the batch."""
        outcomes = [Outcome.UNROUTED] * sum(len(event.statements) for event in batch)
        refusals: list[RefusedBatch] = []
        losses: list[DestinationLost] = []
        for bit, endpoint in enumerate(self._endpoints):
            try:
                at_route = self._send(endpoint, list(_wanted(batch, bit)))
            except DestinationLost as error:
                losses.append(error)
                continue
            except RefusedBatch as error:
                refusals.append(error)
                at_route = {number: Outcome.FAILED for number, _ in _wanted(batch, bit)}
            for number, outcome in at_route.items():
                outcomes[number] = max(outcomes[number], outcome)
        if losses:
            raise losses[0] if len(losses) == 1 else DestinationLost("; ".join(map(str, losses)))
        return _delivery(outcomes, refusals)

    def close(self, *, complete: bool) -> None:  # noqa: ARG002 - whatever was acknowledged is stored
        """Close the connections."""
        for endpoint in self._endpoints:
            endpoint.close()

    def _send(self, endpoint: Endpoint, wanted: list[tuple[int, Statement]]) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        texts: dict[str, bytes] = {}
        for number, statement in wanted:
            statement_id = self._id(endpoint.route, statement)
            outcomes[number] = Outcome.DUPLICATE if statement_id in texts else Outcome.DELIVERED
            if statement_id not in texts:
                texts[statement_id] = endpoint.route.text(statement)
        if texts:
            endpoint.send(list(texts.values()))
        return outcomes

    def _id(self, route: Route, statement: Statement) -> str:
        # What overrides a Caliper envelope does not reach the event in it, whose id counts.
        return str(route.override.get("id", statement.id)) if self._is_xapi else statement.id


def _wanted(batch: Sequence[TransformedEvent], bit: int) -> Iterator[tuple[int, Statement]]:
    number = 0
    for event in batch:
        for statement in event.statements:
            if event.routes >> bit & 1:
                yield number, statement
            number += 1


def _delivery(outcomes: list[Outcome], refusals: list[RefusedBatch]) -> Delivery:
    count = Counter(outcomes)
    return Delivery(
        delivered=count[Outcome.DELIVERED],
        duplicate=count[Outcome.DUPLICATE],
        unrouted=count[Outcome.UNROUTED],
        failed=count[Outcome.FAILED],
        failure="; ".join(map(str, refusals)) or None,
        outcomes=[outcome.name.lower() for outcome in outcomes] if len(count) > 1 else (),
    )


def open_lrs(
    _provider: str, config: Mapping[str, Any], *, transformer_type: str, key: str, lrs_urls: Sequence[str] | None = None
) -> LrsSink:
    """Open the sink of ``LRS``: one LRS where ``config`` has a ``url``, else the routes of the router configuration.

    Raises:
        ConfigurationError: there is no route, or one that makes no sense.
    """
    del key  # statements have ids
    own = dict(config)
    timeout_seconds = own.pop("timeout_seconds", _TIMEOUT_SECONDS)
    if isinstance(timeout_seconds, bool) or not isinstance(timeout_seconds, int | float) or timeout_seconds <= 0:
        raise ConfigurationError("timeout_seconds must be a positive number", operation="open the destination")
    routes = restricted([given_route(own)] if own else enabled_routes(transformer_type), lrs_urls)
    if not routes:
        raise ConfigurationError(
            f"no route for {transformer_type} is enabled",
            operation="open the destination",
            hint="enable one under Router Configurations in the LMS's admin, or give the LRS with"
            " --destination_config '{\"url\": ...}'",
        )
    return LrsSink(routes, transformer_type=transformer_type, timeout_seconds=timeout_seconds)
