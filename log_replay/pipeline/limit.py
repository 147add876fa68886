"""Stop a run after a number of statements, and choose examples of each event name."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from log_replay.pipeline.transform_settings import TransformSettings
    from log_replay.records import BlockResult, LineBlock, TransformedEvent

    Transform: TypeAlias = Callable[[LineBlock], BlockResult]
    OpenTransform: TypeAlias = Callable[[TransformSettings], AbstractContextManager[Transform]]


class StatementLimit:
    """``--limit``: the lines after the last statement are neither read nor counted.

    The block that reaches the limit is transformed again without them, so that the counters are those of the lines that
    were used. This needs the transform to run in this process.

    Args:
        limit: the number of statements.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._remaining = limit

    @property
    def reached(self) -> bool:
        """True if the run has as many statements as it may have."""
        return self._remaining <= 0

    def limited(self, open_transform: OpenTransform) -> OpenTransform:
        """Return an ``open_transform`` whose results have no more statements than remain."""

        @contextmanager
        def open_limited(transform_settings: TransformSettings) -> Iterator[Transform]:
            with open_transform(transform_settings) as transform:
                yield lambda block: self._transform(transform, block)

        return open_limited

    def _transform(self, transform: Transform, block: LineBlock) -> BlockResult:
        result = transform(block)
        if result.counters.statements > self._remaining:
            result = transform(_beginning(block, self._end_offset(block, result.events)))
            self._shorten_last_event(result)
        self._remaining -= result.counters.statements
        return result

    def _end_offset(self, block: LineBlock, events: Sequence[TransformedEvent]) -> int:
        """Return the offset after the line of the event that reaches the limit."""
        remaining = self._remaining
        for event in events:
            remaining -= len(event.statements)
            if remaining <= 0:
                return block.start + bytes(block.text).index(b"\n", event.position.offset - block.start) + 1
        return block.end_offset

    def _shorten_last_event(self, result: BlockResult) -> None:
        """Remove statements of the last event that are too many: an event can have several."""
        excess = result.counters.statements - self._remaining
        if excess > 0:
            *events, last = result.events
            result.events = [*events, last._replace(statements=last.statements[:-excess])]
            result.counters.statements -= excess
            result.statements_by_event[last.name] -= excess


class Examples:
    """``--examples``: the first events of each name.

    Args:
        number: of events of one name.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._taken: Counter[str] = Counter()

    def among(self, events: Sequence[TransformedEvent]) -> list[TransformedEvent]:
        """Return the events that are examples."""
        found = []
        for event in events:
            if event.statements and self._taken[event.name] < self._number:
                self._taken[event.name] += 1
                found.append(event)
        return found


def _beginning(block: LineBlock, end_offset: int) -> LineBlock:
    return replace(
        block,
        pieces=[bytes(block.text)[: end_offset - block.start]],
        end_offset=end_offset,
        oversized=[offset for offset in block.oversized if offset < end_offset],
    )
