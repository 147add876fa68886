"""Carrying on where a stream broke off, since a long read over a network seldom gets through in one go."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from log_replay.retry import TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from log_replay.retry import RetryPolicy

Item = TypeVar("Item")
Place = TypeVar("Place")


def resumed(
    open_at: Callable[[Place], Generator[Item]],
    place: Place,
    advance: Callable[[Place, Item], Place],
    retry_policy: RetryPolicy,
) -> Generator[Item]:
    """Yield what ``open_at`` yields, and open it again where it was interrupted.

    Args:
        open_at: yields the items from a place on; it is interrupted by ``TemporaryError``.
        place: where to begin.
        advance: returns the place behind an item that begins at a place.
        retry_policy: how often, and after how long, to try again.

    Raises:
        TemporaryError: the last one, when retry_policy has run out.
    """
    failures = 0
    while True:
        try:
            with closing(open_at(place)) as items:
                for item in items:
                    place = advance(place, item)
                    failures = 0
                    yield item
        except TemporaryError as interruption:
            failures += 1
            retry_policy.wait(failures, interruption)
        else:
            return
