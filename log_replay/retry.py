"""Retries of requests to a source or a destination that may recover."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class TemporaryError(Exception):
    """An attempt failed, and a retry may succeed. Sources and sinks translate it before it leaves them.

    Args:
        reason: why the attempt failed.
        retry_after_seconds: the delay that the server asked for.
    """

    def __init__(self, reason: str, retry_after_seconds: float = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class RetryPolicy:
    """The number of retries and the delays before them.

    Args:
        retries: the number of retries after the first attempt.
        first_delay_seconds: the longest delay before the first retry; it doubles with each further retry.
        max_delay_seconds: the limit of that delay.
        max_retry_after_seconds: the limit of a delay that the server asks for.
        sleep: waits for a number of seconds.
    """

    retries: int = 6
    first_delay_seconds: float = 1
    max_delay_seconds: float = 30
    max_retry_after_seconds: float = 120
    sleep: Callable[[float], None] = time.sleep

    def call(self, action: Callable[[], T], sleep: Callable[[float], None] | None = None) -> T:
        """Call an action until it does not raise ``TemporaryError``, and return its result.

        Args:
            action: the action to call.
            sleep: replaces the policy's own ``sleep``.

        Raises:
            TemporaryError: the last attempt failed, too.
        """
        failures = 0
        while True:
            try:
                return action()
            except TemporaryError as error:
                failures += 1
                self.wait(failures, error, sleep)

    def wait(self, failures: int, error: TemporaryError, sleep: Callable[[float], None] | None = None) -> None:
        """Wait before the next attempt.

        Args:
            failures: the number of failed attempts in a row.
            error: the error of the last attempt.
            sleep: replaces the policy's own ``sleep``.

        Raises:
            TemporaryError: ``error``, if no retry is left.
        """
        if failures > self.retries:
            raise error
        delay_seconds = self.delay_seconds(failures)
        # A random part spreads the retries of processes that lost the connection at the same time.
        jittered_seconds = random.uniform(delay_seconds / 2, delay_seconds)  # noqa: S311 - not for cryptography
        asked_seconds = min(error.retry_after_seconds, self.max_retry_after_seconds)
        (sleep or self.sleep)(max(jittered_seconds, asked_seconds))

    def delay_seconds(self, failures: int) -> float:
        """Return the longest delay after a number of failed attempts in a row."""
        # The limit of the exponent keeps the power a number that a float can hold.
        return min(self.first_delay_seconds * 2.0 ** min(failures - 1, 1000), self.max_delay_seconds)
