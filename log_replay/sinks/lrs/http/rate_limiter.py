"""How fast to send: not over the rate that was asked for, and slower while the destination is in trouble."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: A request takes suspiciously long if it takes so many times what the quickest of its size lately took, and this long.
_SLOW_FACTOR = 3.0
_SLOW_SECONDS = 1.0
#: What was quickest is forgotten by so much with every answer: a destination may become slower for good.
_FORGETTING = 1.02
_FIRST_EASE, _MOST_EASE, _LEAST_EASE = 1.0, 64.0, 0.05
_MOST_EASE_WHEN_SLOW = 4.0
_GROWTH, _RECOVERY = 2.0, 0.7
_LONGEST_REST_SECONDS = 30.0


class RateLimiter:
    """Says when the next request may be sent; shared by all that send to one destination.

    After each answer the destination is left alone for ``ease`` times as long as it took to give it. Ease is nothing
    while all is well, grows with each 429 or 503 and with answers that take ever longer, and shrinks with the others.

    Args:
        max_rate: statements a second, on average; None for as many as it takes.
        clock: the time in seconds.
    """

    def __init__(self, max_rate: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.ease = 0.0
        self._max_rate = max_rate
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._rested_at = 0.0
        self._largest = 1
        self._quickest: float | None = None

    def wait_seconds(self, statements: int) -> float:
        """Return how long to wait before so many statements are sent, which they must be then."""
        with self._lock:
            now = self._clock()
            start = max(now, self._free_at, self._rested_at)
            if self._max_rate:
                self._free_at = max(now, self._free_at) + statements / self._max_rate
            return start - now

    def answered(self, statements: int, seconds: float) -> None:
        """Note that a request of so many statements was answered, and after how long."""
        with self._lock:
            if self._is_slow(statements, seconds):
                self.ease = min(max(_FIRST_EASE, self.ease * _GROWTH), max(_MOST_EASE_WHEN_SLOW, self.ease))
            else:
                self.ease = self.ease * _RECOVERY if self.ease > _LEAST_EASE else 0.0
            self._rest(seconds)

    def troubled(self, seconds: float, retry_after_seconds: float = 0.0) -> None:
        """Note that the destination asked for less, after so long, and for how long it wants to be left alone."""
        with self._lock:
            self.ease = min(max(_FIRST_EASE, self.ease * _GROWTH), _MOST_EASE)
            self._rest(seconds)
            self._rested_at = max(self._rested_at, self._clock() + retry_after_seconds)

    def _rest(self, seconds: float) -> None:
        rest = min(self.ease * seconds, _LONGEST_REST_SECONDS)
        self._rested_at = max(self._rested_at, self._clock() + rest)

    def _is_slow(self, statements: int, seconds: float) -> bool:
        # Small requests say little: most of their time is spent on the way.
        if 2 * statements < self._largest:
            return False
        self._largest = max(self._largest, statements)
        each = seconds / statements
        quickest = self._quickest
        self._quickest = each if quickest is None else min(each, quickest * _FORGETTING)
        return quickest is not None and seconds > _SLOW_SECONDS and each > _SLOW_FACTOR * quickest
