"""A wait for a listener: it logs warnings that a person can see, and it ends."""

from __future__ import annotations

import time

import structlog

_FIRST_WARNING_SECONDS = 1.0
_MAX_SECONDS_BETWEEN_WARNINGS = 60.0

_log = structlog.get_logger("log_replay.statement_log")


class Wait:
    """Time since a listener last made progress.

    Warnings follow after 1, 2, 4, 8 ... seconds, and at least once a minute.

    Args:
        address: the listener's address, for the warnings.
        timeout_seconds: the maximum time to wait.
    """

    def __init__(self, address: str, timeout_seconds: float) -> None:
        self.address = address
        self.timeout_seconds = timeout_seconds
        self._started = time.monotonic()
        self._warning_after_seconds = _FIRST_WARNING_SECONDS

    @property
    def waited_seconds(self) -> float:
        """Seconds since the start of the wait."""
        return time.monotonic() - self._started

    @property
    def is_over(self) -> bool:
        """True if the maximum time has passed."""
        return self.waited_seconds >= self.timeout_seconds

    @property
    def step_seconds(self) -> float:
        """Seconds until the next warning or the end, whichever comes first."""
        return max(0.0, min(self._warning_after_seconds, self.timeout_seconds) - self.waited_seconds)

    def warn_if_due(self) -> None:
        """Log a warning if the next one is due."""
        waited_seconds = self.waited_seconds
        if waited_seconds < self._warning_after_seconds:
            return
        _log.warning(
            "waiting for the listener",
            listener=self.address,
            waited_seconds=round(waited_seconds),
            at_most_seconds=round(self.timeout_seconds),
        )
        self._warning_after_seconds = waited_seconds + min(waited_seconds, _MAX_SECONDS_BETWEEN_WARNINGS)
