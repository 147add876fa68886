"""Whether a route takes statements: one that is lost is tried again, after pauses that grow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from log_replay.errors import DestinationNotResponding

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.errors import DestinationUnavailable
    from log_replay.sinks.lrs.endpoint import Endpoint

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class BreakerDelays:
    """How long a lost route is left alone: twice as long each time."""

    first_seconds: float = 60
    longest_seconds: float = 900


class CircuitBreaker:
    """How a route stands.

    Args:
        name: what it is called.
        endpoint: its endpoint.
        pauses: how long to leave it alone once it is lost.
        clock: the time in seconds.

    Attributes:
        error: why it is lost, None if it is not.
    """

    def __init__(
        self, name: str, endpoint: Endpoint, pauses: BreakerDelays, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.error: DestinationUnavailable | None = None
        self._pauses = pauses
        self._pause_seconds = pauses.first_seconds
        self._clock = clock
        self._again_at = 0.0

    @property
    def is_available(self) -> bool:
        """Whether it is to be sent to: it is not lost, or it is time to try it again."""
        return self.error is None or (self._may_come_back and self._clock() >= self._again_at)

    def lose(self, error: DestinationUnavailable) -> None:
        """Note that it is lost, or still is; what it said no to, it will say no to again."""
        if self.error is None:
            log.error(
                "a route is lost and misses what is yet to come; the run goes on for the others", reason=str(error)
            )
        else:
            self._pause_seconds = min(2 * self._pause_seconds, self._pauses.longest_seconds)
        self.error = error
        self.endpoint.insists = False
        self._again_at = self._clock() + self._pause_seconds

    def regain(self) -> None:
        """Note that it takes statements."""
        if self.error is not None:
            log.warning("a route is back", route=self.name)
        self.error = None
        self.endpoint.insists = True
        self._pause_seconds = self._pauses.first_seconds

    def retry_now(self) -> None:
        """Let it be tried at once, if it may come back."""
        self._again_at = 0.0

    @property
    def _may_come_back(self) -> bool:
        return isinstance(self.error, DestinationNotResponding)
