"""Deliver statements to LRSs or Caliper endpoints: each batch to every route that accepts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings as django_settings

from log_replay.errors import ConfigurationError, DestinationNotResponding, DestinationUnavailable
from log_replay.records import statement_count
from log_replay.retry import RetryPolicy
from log_replay.sinks.discard import Discard
from log_replay.sinks.lrs.bisection import Outcome
from log_replay.sinks.lrs.circuit_breaker import BREAKER_DELAYS, CircuitBreaker
from log_replay.sinks.lrs.combine import combine_results
from log_replay.sinks.lrs.endpoint import Endpoint
from log_replay.sinks.lrs.route_batch import RouteBatch
from log_replay.sinks.lrs.routes import enabled_routes, given_route, names, restricted
from log_replay.sinks.lrs.settings import LrsSettings, read_settings
from log_replay.sinks.lrs.threads import Threads
from log_replay.sinks.routing import RouteTable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from log_replay.records import Delivery, TransformedEvent, Undelivered
    from log_replay.sinks import Sink
    from log_replay.sinks.lrs.routes import Route

log = structlog.get_logger(__name__)


class LrsSink:
    """A destination with several routes.

    A statement is delivered when every route that accepts its event has stored it, failed when one has refused it, and
    unrouted when no route accepts its event. It is a duplicate when every such route had it before: it is repeated in
    the batch, or the LRS reported a conflict and has the same statement.

    Routes are independent. The statements of an unavailable route count as failed until they are redelivered, and the
    run continues for the other routes. It stops when no route is available.

    Args:
        routes: at least one.
        transformer_type: ``xapi`` or ``caliper``.
        settings: the settings for sending.
        retry_policy: how often to retry a request.
        breaker_delays: the delays before an unavailable route is tried again.

    Attributes:
        routing: the filters of the routes.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        transformer_type: str,
        settings: LrsSettings | None = None,
        retry_policy: RetryPolicy | None = None,
        breaker_delays: RetryPolicy = BREAKER_DELAYS,
    ) -> None:
        self._is_xapi = transformer_type == "xapi"
        self._settings = settings or LrsSettings()
        self._threads = Threads()
        named_routes = dict(zip(names(routes), routes, strict=True))
        self.routing = RouteTable({name: route.match for name, route in named_routes.items()})
        self._breakers: dict[str, CircuitBreaker] = {}
        for name, route in named_routes.items():
            endpoint = Endpoint(
                route,
                transformer_type=transformer_type,
                settings=self._settings,
                retry_policy=retry_policy or RetryPolicy(),
                threads=self._threads,
            )
            self._breakers[name] = CircuitBreaker(name, endpoint, breaker_delays)

    def check(self) -> None:
        """Send a request without statements to the host of each route.

        Raises:
            ConfigurationError: the configuration of a route is not valid, its credentials are wrong, or no host
                responds.
        """
        errors: dict[str, DestinationNotResponding] = {}
        for name, breaker in self._breakers.items():
            try:
                breaker.endpoint.check()
            except DestinationNotResponding as error:
                errors[name] = error
        if len(errors) == len(self._breakers):
            raise ConfigurationError("; ".join(map(str, errors.values()))) from next(iter(errors.values()))
        for name, not_responding in errors.items():
            self._breakers[name].open(not_responding)

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Do nothing: statements have ids, so a statement that is sent again is a duplicate."""

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Send a batch to all routes at the same time.

        Raises:
            DestinationUnavailable: no route is available.
        """
        route_batches = self._route_batches(batch, self._breakers)
        sent = self._send(route_batches)
        self._stop_if_none_is_left(route_batches, sent)
        self._update_breakers(route_batches, sent)
        return combine_results([Outcome.UNROUTED] * statement_count(batch), route_batches)

    @property
    def available(self) -> frozenset[str]:
        """The routes that are available, or that are to be tried again."""
        return frozenset(name for name, breaker in self._breakers.items() if breaker.is_available)

    def retry_now(self) -> frozenset[str]:
        """Skip the delays of unavailable routes that may have recovered; return ``available``."""
        for breaker in self._breakers.values():
            breaker.retry_now()
        return self.available

    def redeliver(self, batch: Sequence[TransformedEvent], undelivered: Undelivered) -> Delivery:
        """Send a batch only to the routes that have not received it.

        Returns:
            The delivery of the batch at all routes. The counters in ``routes`` are changes: undelivered statements
            that were delivered now have a negative number.
        """
        count = statement_count(batch)
        # If the batch now has other statements, for instance because the routes' filters were changed, the outcomes
        # are no longer known.
        same = len(undelivered.outcomes) == count
        known_outcomes = (
            [Outcome[name.upper()] for name in undelivered.outcomes] if same else [Outcome.UNROUTED] * count
        )
        route_batches = self._route_batches(batch, undelivered.routes)
        self._update_breakers(route_batches, self._send(route_batches))
        removed_routes = {name: size for name, size in undelivered.routes.items() if name not in route_batches}
        delivery = combine_results(known_outcomes, route_batches, removed_routes)
        for name, counters in delivery.routes.items():
            counters.undelivered -= undelivered.routes[name]
        return delivery

    def close(self, *, complete: bool) -> None:  # noqa: ARG002 - acknowledged statements are stored
        """Close the connections."""
        for breaker in self._breakers.values():
            breaker.endpoint.close()

    def _route_batches(self, batch: Sequence[TransformedEvent], route_names: Collection[str]) -> dict[str, RouteBatch]:
        return {
            name: RouteBatch(breaker.endpoint, batch, name, is_xapi=self._is_xapi)
            for name, breaker in self._breakers.items()
            if name in route_names
        }

    def _send(self, route_batches: Mapping[str, RouteBatch]) -> list[str]:
        """Send to the available routes at the same time, and return the names of these routes."""
        names_to_send = [
            name
            for name, route_batch in route_batches.items()
            if route_batch.routed and self._breakers[name].is_available
        ]
        max_rate = self._settings.max_rate
        # A larger request would exceed the rate within its second.
        max_statements = max(1, int(max_rate)) if max_rate else None
        concurrency = self._settings.concurrency
        calls = [call for name in names_to_send for call in route_batches[name].calls(concurrency, max_statements)]
        self._threads.run(calls)
        return names_to_send

    def _stop_if_none_is_left(self, route_batches: Mapping[str, RouteBatch], sent: Collection[str]) -> None:
        """Stop the run if this batch has made the last available route unavailable.

        Raises:
            DestinationUnavailable: no route is available.
        """
        new_errors = [
            error for name in sent if (error := route_batches[name].unavailable) and not self._breakers[name].error
        ]
        left = [
            name
            for name, route_batch in route_batches.items()
            if not route_batch.unavailable and (name in sent or not self._breakers[name].error)
        ]
        if new_errors and not left:
            raise new_errors[0] if len(new_errors) == 1 else DestinationUnavailable("; ".join(map(str, new_errors)))

    def _update_breakers(self, route_batches: Mapping[str, RouteBatch], sent: Collection[str]) -> None:
        """Open or close the circuit breakers after sending, and mark the batches of unavailable routes."""
        for name in sent:
            error = route_batches[name].unavailable
            self._breakers[name].open(error) if error else self._breakers[name].close()
        for name, route_batch in route_batches.items():
            route_batch.unavailable = self._breakers[name].error


def open_lrs(
    _provider: str,
    config: Mapping[str, Any],
    *,
    transformer_type: str,
    key: str,
    lrs_urls: Sequence[str] | None = None,
) -> Sink:
    """Open the sink of ``LRS``: the LRS with the ``url`` in ``config``, or the routes of the router configuration.

    Inside an LMS, a run without a route only logs, as upstream's does: by default, Aspects takes the logged lines.

    Raises:
        ConfigurationError: there is no route outside an LMS, or a route is not valid.
    """
    del key  # statements have ids
    settings, route_config = read_settings(config)
    routes = restricted([given_route(route_config)] if route_config else enabled_routes(transformer_type), lrs_urls)
    if not routes and not getattr(django_settings, "LOG_REPLAY_STANDALONE", False):
        log.warning(
            "no LRS is enabled in RouterConfiguration: the loggers are the only destination of the statements",
            logger=f"{transformer_type}_tracking",
            hint="if nothing reads the loggers' lines, enable an LRS under Router Configurations in the LMS's admin",
        )
        return Discard()
    if not routes:
        raise ConfigurationError(
            f"no route for {transformer_type} is enabled",
            operation="open the destination",
            hint="enable one under Router Configurations in the LMS's admin, or give the LRS with"
            " --destination_config '{\"url\": ...}'",
        )
    return LrsSink(routes, transformer_type=transformer_type, settings=settings)
