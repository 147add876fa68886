"""Python's collector of reference cycles, kept from looking through the same objects again and again."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: New objects at which the youngest are looked through. A block's statements are about a tenth of it.
NEW_OBJECTS = 100_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let the collector run seldom, and leave alone what there is already: Django, and a million objects like it.

    What a run makes is many objects, nearly all alive while a batch is gathered, and next to no cycles. Looking through
    them at Python's own pace took a third of the time of making their statements.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
