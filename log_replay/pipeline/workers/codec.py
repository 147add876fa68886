"""The form in which blocks and results travel between processes: a small head, which is pickled, and large bytes."""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, cast

from log_replay.records import BlockResult, LineBlock, PackedEvents, PackedTexts, statement_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.records import Text


def pack_block(block: LineBlock) -> tuple[LineBlock, Sequence[Text]]:
    """Return a block without its bytes, and its bytes."""
    return replace(block, pieces=()), block.pieces


def unpack_block(head: LineBlock, text: memoryview) -> LineBlock:
    """Return the block that ``pack_block`` was given."""
    return replace(head, pieces=(text,))


def pack_result(result: BlockResult) -> tuple[BlockResult, Sequence[Text]]:
    """Return a result whose events have no statement texts, and these texts as lines."""
    events = result.events
    statements = [*chain.from_iterable([event.statements for event in events])]
    lines = statement_lines(events)
    result.events = PackedEvents(
        result.object,
        offsets=array("q", [event.position.offset for event in events]),
        names=[event.name for event in events],
        routes=[event.routes for event in events],
        statements_per_event=array("q", [len(event.statements) for event in events]),
        ids=_pack_texts([statement.id for statement in statements]),
        timestamps=_pack_texts([statement.timestamp for statement in statements]),
    )
    return result, (lines,)


def _pack_texts(texts: Sequence[str]) -> PackedTexts:
    return PackedTexts("".join(texts), array("q", map(len, texts)))


def unpack_result(head: BlockResult, lines: memoryview) -> BlockResult:
    """Return the result that ``pack_result`` was given, with packed events."""
    head.events = replace(cast("PackedEvents", head.events), lines=lines)
    return head
