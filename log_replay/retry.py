"""How long to insist on a source or a destination that may come back."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class TemporaryError(Exception):
    """An attempt failed in a way that may pass; never leaves the sources, nor the sinks.

    Args:
        reason: why, in words.
        retry_after_seconds: how long the other side asked to be left alone.
    """

    def __init__(self, reason: str, retry_after_seconds: float = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class RetryPolicy:
    """How often to try again without any progress, and how long to rest before: twice as long each time."""

    retries: int = 6
    first_delay_seconds: float = 1
    max_delay_seconds: float = 30
    max_retry_after_seconds: float = 120
    sleep: Callable[[float], None] = time.sleep

    def call(self, action: Callable[[], T], sleep: Callable[[float], None] | None = None) -> T:
        """Return what the action returns once it does not raise ``TemporaryError``.

        Args:
            action: what to try.
            sleep: rests for so many seconds, where it is not for all actions to rest alike.

        Raises:
            TemporaryError: the last attempt's, when all have failed.
        """
        failures = 0
        while True:
            try:
                return action()
            except TemporaryError as error:
                failures += 1
                self.wait(failures, error, sleep)

    def wait(self, failures: int, error: TemporaryError, sleep: Callable[[float], None] | None = None) -> None:
        """Rest after the given number of failures in a row.

        Raises:
            TemporaryError: the error, when there were too many.
        """
        if failures > self.retries:
            raise error
        longest = min(self.first_delay_seconds * 2 ** (failures - 1), self.max_delay_seconds)
        # Half of it is jitter, so that many workers that were cut off together do not come back together.
        jittered = random.uniform(longest / 2, longest)  # noqa: S311 - no secret depends on it
        (sleep or self.sleep)(max(jittered, min(error.retry_after_seconds, self.max_retry_after_seconds)))
