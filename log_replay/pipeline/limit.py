"""Stop a run after a number of statements, and choose examples of each event name."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from log_replay.block_profile import ProfileNotes
    from log_replay.pipeline.transform_settings import TransformSettings
    from log_replay.records import BlockResult, LineBlock, TransformedEvent

    class Transform(Protocol):
        """A function that transforms a block."""

        def __call__(self, block: LineBlock, left_out: int = 0, /) -> BlockResult:
            """Transform a block, and leave a number of statements out of its last event."""

    OpenTransform: TypeAlias = Callable[[TransformSettings], AbstractContextManager[Transform]]
    OpenLimitedTransform: TypeAlias = Callable[
        [TransformSettings], AbstractContextManager[Callable[[LineBlock], BlockResult]]
    ]


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

    def limited(self, open_transform: OpenTransform) -> OpenLimitedTransform:
        """Return an ``open_transform`` whose results have no more statements than remain."""

        @contextmanager
        def open_limited(transform_settings: TransformSettings) -> Iterator[Callable[[LineBlock], BlockResult]]:
            with open_transform(transform_settings) as transform:
                yield lambda block: self._transform(transform, block)

        return open_limited

    def _transform(self, transform: Transform, block: LineBlock) -> BlockResult:
        result = transform(block)
        if result.counters.statements > self._remaining:
            result = transform(*self._cut(block, result.events))
        self._remaining -= result.counters.statements
        return result

    def _cut(self, block: LineBlock, events: Sequence[TransformedEvent]) -> tuple[LineBlock, int]:
        """Return the block up to the event that reaches the limit, and the number of statements beyond the limit."""
        remaining = self._remaining
        for event in events:
            remaining -= len(event.statements)
            if remaining <= 0:
                line_end = bytes(block.text).find(b"\n", event.position.offset - block.start)
                return _beginning(block, block.start + line_end + 1) if line_end >= 0 else block, -remaining
        return block, 0


def leave_out_statements(result: BlockResult, count: int, notes: ProfileNotes | None) -> None:
    """Remove the last statements of the last event of a block: an event can have several.

    Args:
        result: the result of the block.
        count: the number of statements; the event has more.
        notes: the notes for the block's profile, if it gets one. They have no tally.
    """
    *events, last = result.events
    kept = last.statements[:-count]
    result.events = [*events, last._replace(statements=kept)]
    result.counters.statements -= count
    result.statements_by_event[last.name] -= count
    if notes:
        notes.transformed = [
            (user, course, kept if statements is last.statements else statements, offset)
            for user, course, statements, offset in notes.transformed
        ]


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
