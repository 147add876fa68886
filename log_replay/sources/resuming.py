"""Carrying on where a stream broke off, since a long read over a network seldom gets through in one go."""

from __future__ import annotations

import random
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

Item = TypeVar("Item")
Place = TypeVar("Place")


class Interruption(Exception):
    """A stream broke off, or could not be opened, for a reason that may pass.

    Args:
        reason: why, in words.
        retry_after_seconds: how long the server asked to be left alone.
    """

    def __init__(self, reason: str, retry_after_seconds: float = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try again without any progress, and how long to wait before: twice as long each time."""

    max_retries: int = 5
    first_seconds: float = 0.5
    longest_seconds: float = 60
    sleep: Callable[[float], None] = time.sleep

    def wait(self, failures: int, interruption: Interruption) -> None:
        """Wait after the given number of failures in a row.

        Raises:
            Interruption: there were too many.
        """
        if failures > self.max_retries:
            raise interruption
        longest = min(self.first_seconds * 2 ** (failures - 1), self.longest_seconds)
        # Half of it is jitter, so that many workers that were cut off together do not come back together.
        jittered = random.uniform(longest / 2, longest)  # noqa: S311 - no secret depends on it
        self.sleep(max(jittered, min(interruption.retry_after_seconds, self.longest_seconds)))


def resumed(
    open_at: Callable[[Place], Generator[Item]],
    place: Place,
    advance: Callable[[Place, Item], Place],
    patience: Patience,
) -> Generator[Item]:
    """Yield what ``open_at`` yields, and open it again where it was interrupted.

    Args:
        open_at: yields the items from a place on.
        place: where to begin.
        advance: returns the place behind an item that begins at a place.
        patience: how often, and after how long, to try again.

    Raises:
        Interruption: the last one, when patience has run out.
    """
    failures = 0
    while True:
        try:
            with closing(open_at(place)) as items:
                for item in items:
                    place = advance(place, item)
                    failures = 0
                    yield item
        except Interruption as interruption:
            failures += 1
            patience.wait(failures, interruption)
        else:
            return
