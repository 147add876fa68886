"""Statements to LRSs (or Caliper endpoints): each batch to every route that wants it, acknowledged by each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import structlog

from log_replay.errors import ConfigurationError, DestinationLost
from log_replay.patience import Patience
from log_replay.records import Delivery, Refusal
from log_replay.sinks.endpoint import Endpoint
from log_replay.sinks.lanes import Lanes
from log_replay.sinks.lrs_settings import LrsSettings, read_settings
from log_replay.sinks.refusals import Outcome
from log_replay.sinks.routes import enabled_routes, given_route, restricted
from log_replay.sinks.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from log_replay.records import EventFields, TransformedEvent
    from log_replay.sinks.routes import Route

log = structlog.get_logger(__name__)


class LrsSink:
    """Sends to several routes.

    A statement is delivered when every route that wants it has acknowledged it, failed when any has refused it,
    unrouted when none wants it, and a duplicate when every route that wants it had it before: the batch held it
    already, or the LRS answered with a conflict and turned out to have this very statement.

    Routes are independent. One that is lost gets no more, and what it wants has failed, while the run goes on for the
    others; it ends when none is left.

    Args:
        routes: at least one.
        transformer_type: ``xapi`` or ``caliper``.
        settings: how to send.
        patience: how often to try again.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        transformer_type: str,
        settings: LrsSettings | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._is_xapi = transformer_type == "xapi"
        self._settings = settings or LrsSettings()
        self._lanes = Lanes()
        self._lost: dict[int, DestinationLost] = {}
        self._endpoints = [
            Endpoint(
                route,
                transformer_type=transformer_type,
                settings=self._settings,
                patience=patience or Patience(),
                lanes=self._lanes,
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
        """Send to all routes at the same time, and to each in as many requests at a time as it is set to take.

        Raises:
            DestinationLost: no route is left.
        """
        sendings = [
            Sending(endpoint, batch, bit, is_xapi=self._is_xapi) for bit, endpoint in enumerate(self._endpoints)
        ]
        rate = self._settings.max_rate
        # A request of more than a second's worth would come as a burst.
        most_at_once = max(1, int(rate)) if rate else None
        live = [sending for bit, sending in enumerate(sendings) if bit not in self._lost]
        self._lanes.run([call for sending in live for call in sending.calls(self._settings.concurrency, most_at_once)])
        self._lose(sendings)
        return _delivery(batch, sendings)

    def close(self, *, complete: bool) -> None:  # noqa: ARG002 - whatever was acknowledged is stored
        """Close the connections."""
        for endpoint in self._endpoints:
            endpoint.close()

    def _lose(self, sendings: Sequence[Sending]) -> None:
        """Remember which routes are lost; the last of them ends the run."""
        new = {bit: sending.lost for bit, sending in enumerate(sendings) if sending.lost}
        if new and len(self._lost | new) == len(sendings):
            raise next(iter(new.values())) if len(new) == 1 else DestinationLost("; ".join(map(str, new.values())))
        for error in new.values():
            log.error(
                "a route is lost and misses what is yet to come; the run goes on for the others",
                reason=str(error),
                hint="send it again with --lrs_urls; where --rejects lists what it misses, also with --from_rejects",
            )
        self._lost |= new
        for bit, error in self._lost.items():
            sendings[bit].lost = error


def _delivery(batch: Sequence[TransformedEvent], sendings: Iterable[Sending]) -> Delivery:
    outcomes = [Outcome.UNROUTED] * sum(len(event.statements) for event in batch)
    refusals: list[Refusal] = []
    failures: dict[str, None] = {}
    for sending in sendings:
        for wanted, fate in sending.fates():
            outcomes[wanted.number] = max(outcomes[wanted.number], fate.outcome)
            if fate.outcome is Outcome.FAILED:
                refusals.append(sending.refusal(wanted, fate))
                failures[sending.failure(fate)] = None
    count = Counter(outcomes)
    return Delivery(
        delivered=count[Outcome.DELIVERED],
        duplicate=count[Outcome.DUPLICATE],
        unrouted=count[Outcome.UNROUTED],
        failed=count[Outcome.FAILED],
        failure="; ".join(failures) or None,
        outcomes=[outcome.name.lower() for outcome in outcomes] if len(count) > 1 else (),
        refusals=tuple(refusals),
    )


def open_lrs(
    _provider: str, config: Mapping[str, Any], *, transformer_type: str, key: str, lrs_urls: Sequence[str] | None = None
) -> LrsSink:
    """Open the sink of ``LRS``: one LRS where ``config`` has a ``url``, else the routes of the router configuration.

    Raises:
        ConfigurationError: there is no route, or one that makes no sense.
    """
    del key  # statements have ids
    settings, own = read_settings(config)
    routes = restricted([given_route(own)] if own else enabled_routes(transformer_type), lrs_urls)
    if not routes:
        raise ConfigurationError(
            f"no route for {transformer_type} is enabled",
            operation="open the destination",
            hint="enable one under Router Configurations in the LMS's admin, or give the LRS with"
            " --destination_config '{\"url\": ...}'",
        )
    return LrsSink(routes, transformer_type=transformer_type, settings=settings)
