"""Routing: which routes of a destination accept an event. It is separate from sending and is plain data.

The process that opens the destination reads the routes once. Workers and redelivery receive them as a ``RouteTable``,
so that a later change of the router configuration has no effect on a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_replay.records import EventFields, RouteNames


@dataclass(frozen=True)
class RouteTable:
    """The event filters of a destination's routes. It can be pickled and holds no credentials.

    Args:
        match_params: the ``match_params`` of each route, by the route's name; empty if the route accepts every event.
    """

    match_params: Mapping[str, Mapping[str, Any]]

    def matcher(self) -> Callable[[EventFields], RouteNames] | None:
        """Return a function from an event to its routes, or None if every route accepts every event."""
        if not any(self.match_params.values()):
            return None
        from event_routing_backends.models import RouterConfiguration  # noqa: PLC0415 - needs a configured Django

        # Upstream's own code decides. The rows are never saved.
        filters = [
            (name, RouterConfiguration(configurations={"match_params": params}).get_allowed_host)
            for name, params in self.match_params.items()
        ]
        # Events with the same routes share one tuple, which pickle then stores once for each block.
        shared: dict[RouteNames, RouteNames] = {}

        def matching_routes(fields: EventFields) -> RouteNames:
            names = tuple(name for name, allowed_host in filters if allowed_host(fields) is not None)
            return shared.setdefault(names, names)

        return matching_routes
