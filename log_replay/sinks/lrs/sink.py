"""Statements to LRSs (or Caliper endpoints): each batch to every route that wants it, acknowledged by each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError, DestinationNotResponding, DestinationUnavailable
from log_replay.records import statement_count
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.bisection import Outcome
from log_replay.sinks.lrs.circuit_breaker import BreakerDelays, CircuitBreaker
from log_replay.sinks.lrs.combine import combine_results
from log_replay.sinks.lrs.endpoint import Endpoint
from log_replay.sinks.lrs.route_batch import RouteBatch
from log_replay.sinks.lrs.routes import enabled_routes, given_route, names, restricted
from log_replay.sinks.lrs.settings import LrsSettings, read_settings
from log_replay.sinks.lrs.threads import Threads
from log_replay.sinks.routing import RouteTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.records import Delivery, TransformedEvent, Undelivered
    from log_replay.sinks.lrs.routes import Route


class LrsSink:
    """Sends to several routes.

    A statement is delivered when every route that wants it has acknowledged it, failed when any has refused it,
    unrouted when none wants it, and a duplicate when every route that wants it had it before: the batch held it
    already, or the LRS answered with a conflict and turned out to have this very statement.

    Routes are independent. One that is lost misses what it wants, which has failed until it is sent it after all, while
    the run goes on for the others; it ends when none is left.

    Args:
        routes: at least one.
        transformer_type: ``xapi`` or ``caliper``.
        settings: how to send.
        retry_policy: how often to try again.
        pauses: how long to leave a lost route alone.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        transformer_type: str,
        settings: LrsSettings | None = None,
        retry_policy: RetryPolicy | None = None,
        pauses: BreakerDelays | None = None,
    ) -> None:
        self._is_xapi = transformer_type == "xapi"
        self._settings = settings or LrsSettings()
        self._lanes = Threads()
        self._endpoints = [
            Endpoint(
                route,
                transformer_type=transformer_type,
                settings=self._settings,
                retry_policy=retry_policy or RetryPolicy(),
                lanes=self._lanes,
            )
            for route in routes
        ]
        self._standings = [
            CircuitBreaker(name, endpoint, pauses or BreakerDelays())
            for name, endpoint in zip(names(routes), self._endpoints, strict=True)
        ]
        self.routing = RouteTable({standing.name: standing.endpoint.route.match for standing in self._standings})

    def check(self) -> None:
        """Ask each route's host whether it is there.

        Raises:
            ConfigurationError: a route makes no sense, its credentials are wrong, or no host at all answers.
        """
        down: dict[int, DestinationNotResponding] = {}
        for bit, endpoint in enumerate(self._endpoints):
            try:
                endpoint.check()
            except DestinationNotResponding as error:
                down[bit] = error
        if len(down) == len(self._standings):
            raise ConfigurationError("; ".join(map(str, down.values())))
        for bit, reason in down.items():
            self._standings[bit].lose(reason)

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Do nothing: statements have ids, so that what is sent again is a duplicate."""

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Send to all routes at the same time, and to each in as many requests at a time as it is set to take.

        Raises:
            DestinationUnavailable: no route is left.
        """
        sendings = self._send(batch, dict(enumerate(self._standings)))
        return combine_results([Outcome.UNROUTED] * statement_count(batch), sendings)

    @property
    def available(self) -> frozenset[str]:
        """The routes that are not lost, or that it is time to try again."""
        return frozenset(standing.name for standing in self._standings if standing.is_available)

    def retry_now(self) -> frozenset[str]:
        """Let every lost route be tried at once that may have come back; return all that can be sent to."""
        for standing in self._standings:
            standing.retry_now()
        return self.available

    def redeliver(self, batch: Sequence[TransformedEvent], undelivered: Undelivered) -> Delivery:
        """Send a batch to those routes only that missed it; return what it has come to at all of them.

        What is counted for each route is what has changed.
        """
        count = statement_count(batch)
        # Somebody may have changed what the batch is made of since.
        same = len(undelivered.outcomes) == count
        before = [Outcome[name.upper()] for name in undelivered.outcomes] if same else [Outcome.UNROUTED] * count
        chosen = {bit: standing for bit, standing in enumerate(self._standings) if standing.name in undelivered.routes}
        sendings = self._send(batch, chosen, needed=False)
        delivery = combine_results(
            before, sendings, {name: n for name, n in undelivered.routes.items() if name not in sendings}
        )
        for name, counters in delivery.routes.items():
            counters.undelivered -= undelivered.routes[name]
        return delivery

    def close(self, *, complete: bool) -> None:  # noqa: ARG002 - whatever was acknowledged is stored
        """Close the connections."""
        for endpoint in self._endpoints:
            endpoint.close()

    def _send(
        self, batch: Sequence[TransformedEvent], standings: Mapping[int, CircuitBreaker], *, needed: bool = True
    ) -> dict[str, RouteBatch]:
        """Send a batch to those of the routes that are due, and note which are lost, or back.

        Raises:
            DestinationUnavailable: none is left, and one is needed.
        """
        sendings = {
            bit: RouteBatch(standing.endpoint, batch, standing.name, is_xapi=self._is_xapi)
            for bit, standing in standings.items()
        }
        due = [bit for bit, standing in standings.items() if standing.is_available and sendings[bit].wanted]
        rate = self._settings.max_rate
        # A request of more than a second's worth would come as a burst.
        most_at_once = max(1, int(rate)) if rate else None
        self._lanes.run([call for bit in due for call in sendings[bit].calls(self._settings.concurrency, most_at_once)])
        new = [error for bit in due if (error := sendings[bit].lost) and not standings[bit].error]
        left = [
            bit
            for bit, standing in standings.items()
            if not (sendings[bit].lost or (standing.error and bit not in due))
        ]
        if needed and new and not left:
            raise new[0] if len(new) == 1 else DestinationUnavailable("; ".join(map(str, new)))
        for bit in due:
            error = sendings[bit].lost
            standings[bit].lose(error) if error else standings[bit].regain()
        for bit, standing in standings.items():
            sendings[bit].lost = standing.error
        return {standing.name: sendings[bit] for bit, standing in standings.items()}


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
