"""A process's memory while it replays: what is there is not looked through, nor given back, again and again."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: New objects at which Python's collector of cycles looks through the youngest. A block's statements are about
#: a tenth of it.
NEW_OBJECTS = 100_000
#: Freed once, a piece of this size makes glibc keep up to twice as much free memory. It would else give that of a block
#: back to the kernel and have it mapped in anew, page by page, for the next: twice the time of reading it.
KEPT_BYTES = 8 << 20


@contextmanager
def memory_kept() -> Iterator[None]:
    """Keep freed memory for the next block, and let the collector run seldom, and not on what there is already.

    There already is Django, and a million objects like it. What a run makes is many objects, nearly all alive while a
    batch is gathered, and next to no cycles. Looking through them at Python's own pace took a third of the time of
    making their statements.
    """
    bytes(KEPT_BYTES)  # zeros that nobody looks at: no page of it is ever mapped
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
