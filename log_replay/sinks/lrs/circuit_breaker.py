"""The circuit breaker of a route: an unavailable route gets no statements until it is time to retry."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from log_replay.errors import DestinationNotResponding
from log_replay.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.errors import DestinationUnavailable
    from log_replay.sinks.lrs.endpoint import Endpoint

log = structlog.get_logger(__name__)

#: The delays before an unavailable route is tried again.
BREAKER_DELAYS = RetryPolicy(first_delay_seconds=60, max_delay_seconds=900)


class CircuitBreaker:
    """Open while a route is unavailable.

    Args:
        name: the name of the route.
        endpoint: the endpoint of the route.
        delays: the delays before the route is tried again.
        clock: returns the time in seconds.

    Attributes:
        error: why the route is unavailable, None if it is available.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        delays: RetryPolicy = BREAKER_DELAYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.error: DestinationUnavailable | None = None
        self._delays = delays
        self._clock = clock
        self._failures = 0
        self._retry_at = 0.0

    @property
    def is_available(self) -> bool:
        """True if statements may be sent: the breaker is closed, or it is time to retry."""
        return self.error is None or (self._may_recover and self._clock() >= self._retry_at)

    def open(self, error: DestinationUnavailable) -> None:
        """Stop sending to the route; if the breaker was open already, wait longer before the next retry."""
        if self.error is None:
            log.error("route unavailable; the run continues for the other routes", reason=str(error))
        self.error = error
        self.endpoint.retries_enabled = False
        self._failures += 1
        self._retry_at = self._clock() + self._delays.delay_seconds(self._failures)

    def close(self) -> None:
        """Send to the route again."""
        if self.error is not None:
            log.warning("route available again", route=self.name)
        self.error = None
        self.endpoint.retries_enabled = True
        self._failures = 0

    def retry_now(self) -> None:
        """Skip the rest of the delay."""
        self._retry_at = 0.0

    @property
    def _may_recover(self) -> bool:
        # A refusal, such as 401, needs an operator: the run does not try such a route again.
        return isinstance(self.error, DestinationNotResponding)
