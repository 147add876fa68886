"""Resume an interrupted stream. Long reads over a network are often interrupted."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from log_replay.errors import ReadError
from log_replay.retry import TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from log_replay.records import SourceObject
    from log_replay.retry import RetryPolicy

Item = TypeVar("Item")
Mark = TypeVar("Mark")


def resumed(
    open_at: Callable[[Mark], Generator[Item]],
    mark: Mark,
    advance: Callable[[Mark, Item], Mark],
    retry_policy: RetryPolicy,
) -> Generator[Item]:
    """Yield the items of a stream, and open the stream again after an interruption.

    Args:
        open_at: opens the stream at a mark, and raises ``TemporaryError`` when it is interrupted.
        mark: where to begin.
        advance: returns the mark after an item, given the mark before it.
        retry_policy: how often to open the stream again, and after how long.

    Raises:
        TemporaryError: the last interruption, after all retries.
    """
    failures = 0
    while True:
        try:
            with closing(open_at(mark)) as items:
                for item in items:
                    mark = advance(mark, item)
                    failures = 0
                    yield item
        except TemporaryError as interruption:
            failures += 1
            retry_policy.wait(failures, interruption)
        else:
            return


def interrupted(obj: SourceObject, offset: int, interruption: TemporaryError, retry_policy: RetryPolicy) -> ReadError:
    """Return the error of a read that was interrupted after all retries."""
    return ReadError(
        f"{interruption.reason}, {retry_policy.retries + 1} times in a row",
        operation="read",
        object=obj.name,
        offset=offset,
        hint="try again later",
    )
