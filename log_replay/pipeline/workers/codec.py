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


def pack_blocks(blocks: Sequence[LineBlock]) -> tuple[list[LineBlock], list[Sequence[Text]]]:
    """Return blocks without their bytes, and the bytes of each."""
    return [replace(block, pieces=()) for block in blocks], [block.pieces for block in blocks]


def unpack_blocks(heads: Sequence[LineBlock], texts: Sequence[memoryview]) -> list[LineBlock]:
    """Return the blocks that ``pack_blocks`` was given."""
    return [replace(head, pieces=(text,)) for head, text in zip(heads, texts, strict=True)]


def pack_results(results: Sequence[BlockResult]) -> tuple[Sequence[BlockResult], list[Sequence[Text]]]:
    """Return results whose events have no statement texts, and these texts as lines."""
    return results, [(_pack_result(result),) for result in results]


def _pack_result(result: BlockResult) -> Text:
    """Remove the texts of the statements from a result, and return them as lines."""
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
    return lines


def _pack_texts(texts: Sequence[str]) -> PackedTexts:
    return PackedTexts("".join(texts), array("q", map(len, texts)))


def unpack_results(heads: Sequence[BlockResult], texts: Sequence[memoryview]) -> Sequence[BlockResult]:
    """Return the results that ``pack_results`` was given, with packed events."""
    for head, lines in zip(heads, texts, strict=True):
        head.events = replace(cast("PackedEvents", head.events), lines=lines)
    return heads
