"""A rate limiter that also backs off while the destination is overloaded."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: A request is slow if it takes this many times as long as the fastest recent request of its size, and this long.
_SLOW_FACTOR = 3.0
_SLOW_SECONDS = 1.0
#: With each response the fastest time grows by this factor: a destination can become slower permanently.
_FORGET_FACTOR = 1.02
_FIRST_BACKOFF, _MAX_BACKOFF, _MIN_BACKOFF = 1.0, 64.0, 0.05
_MAX_BACKOFF_WHEN_SLOW = 4.0
_GROWTH, _RECOVERY = 2.0, 0.7
_MAX_PAUSE_SECONDS = 30.0


class RateLimiter:
    """Tells when the next request may be sent; shared by all threads that send to one destination.

    After each response the destination gets a pause of ``backoff_factor`` times the duration of the request. The factor
    is 0 while all is well. It grows with each 429 or 503 and with slow responses, and shrinks with all other responses.

    Args:
        max_rate: statements a second, on average; None for no limit.
        clock: returns the time in seconds.
    """

    def __init__(self, max_rate: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.backoff_factor = 0.0
        self._max_rate = max_rate
        self._clock = clock
        self._lock = threading.Lock()
        self._rate_allows_at = 0.0
        self._pause_ends_at = 0.0
        self._largest = 1
        self._fastest: float | None = None

    def reserve(self, statements: int) -> float:
        """Reserve the sending of a number of statements, and return the delay in seconds before it."""
        with self._lock:
            now = self._clock()
            start = max(now, self._rate_allows_at, self._pause_ends_at)
            if self._max_rate:
                self._rate_allows_at = max(now, self._rate_allows_at) + statements / self._max_rate
            return start - now

    def responded(self, statements: int, seconds: float) -> None:
        """Record the response to a request.

        Args:
            statements: the number of statements in the request.
            seconds: the duration of the request.
        """
        with self._lock:
            if self._is_slow(statements, seconds):
                limit = max(_MAX_BACKOFF_WHEN_SLOW, self.backoff_factor)
                self.backoff_factor = min(self._next_backoff, limit)
            elif self.backoff_factor > _MIN_BACKOFF:
                self.backoff_factor *= _RECOVERY
            else:
                self.backoff_factor = 0.0
            self._pause(seconds)

    def overloaded(self, seconds: float, retry_after_seconds: float = 0.0) -> None:
        """Record that the destination is overloaded.

        Args:
            seconds: the duration of the request.
            retry_after_seconds: the pause that the destination asks for.
        """
        with self._lock:
            self.backoff_factor = min(self._next_backoff, _MAX_BACKOFF)
            self._pause(seconds)
            self._pause_ends_at = max(self._pause_ends_at, self._clock() + retry_after_seconds)

    @property
    def _next_backoff(self) -> float:
        return max(_FIRST_BACKOFF, self.backoff_factor * _GROWTH)

    def _pause(self, seconds: float) -> None:
        pause_seconds = min(self.backoff_factor * seconds, _MAX_PAUSE_SECONDS)
        self._pause_ends_at = max(self._pause_ends_at, self._clock() + pause_seconds)

    def _is_slow(self, statements: int, seconds: float) -> bool:
        # The time of a small request is mostly network latency, so it is not compared.
        if 2 * statements < self._largest:
            return False
        self._largest = max(self._largest, statements)
        each = seconds / statements
        fastest = self._fastest
        self._fastest = each if fastest is None else min(each, fastest * _FORGET_FACTOR)
        return fastest is not None and seconds > _SLOW_SECONDS and each > _SLOW_FACTOR * fastest
