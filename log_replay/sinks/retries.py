"""How long to insist on a destination that may come back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Unavailable(Exception):
    """An attempt failed in a way that may pass; never leaves the sinks.

    Args:
        reason: why, in words.
        retry_after_seconds: how long the destination asked to be left alone.
    """

    def __init__(self, reason: str, retry_after_seconds: float = 0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class Patience:
    """Tries again with exponential backoff and full jitter, a bounded number of times."""

    retries: int = 6
    first_pause_seconds: float = 1
    longest_pause_seconds: float = 30
    longest_retry_after_seconds: float = 120

    def insist(self, action: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
        """Return what the action returns once it does not raise ``Unavailable``.

        Args:
            action: what to try.
            sleep: rests for so many seconds.

        Raises:
            Unavailable: the last attempt's, when all have failed.
        """
        retrying = Retrying(
            sleep=sleep,
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(self.retries + 1),
            wait=self._pause_seconds,
            reraise=True,
        )
        return retrying(action)

    def _pause_seconds(self, state: RetryCallState) -> float:
        backoff = wait_random_exponential(multiplier=self.first_pause_seconds, max=self.longest_pause_seconds)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_seconds if isinstance(error, Unavailable) else 0
        return max(backoff(state), min(asked, self.longest_retry_after_seconds))
