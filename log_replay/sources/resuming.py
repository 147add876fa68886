"""Carrying on where a stream broke off, since a long read over a network seldom gets through in one go."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from log_replay.patience import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from log_replay.patience import Patience

Item = TypeVar("Item")
Place = TypeVar("Place")


def resumed(
    open_at: Callable[[Place], Generator[Item]],
    place: Place,
    advance: Callable[[Place, Item], Place],
    patience: Patience,
) -> Generator[Item]:
    """Yield what ``open_at`` yields, and open it again where it was interrupted.

    Args:
        open_at: yields the items from a place on; it is interrupted by ``Unavailable``.
        place: where to begin.
        advance: returns the place behind an item that begins at a place.
        patience: how often, and after how long, to try again.

    Raises:
        Unavailable: the last one, when patience has run out.
    """
    failures = 0
    while True:
        try:
            with closing(open_at(place)) as items:
                for item in items:
                    place = advance(place, item)
                    failures = 0
                    yield item
        except Unavailable as interruption:
            failures += 1
            patience.rest(failures, interruption)
        else:
            return
