"""The form in which blocks and results travel between processes: a small head, which is pickled, and large bytes."""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, cast

from log_replay import _speedups
from log_replay.records import ALL_ROUTES, BlockResult, LineBlock, PackedColumns, PackedEvents, joined_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from log_replay.records import Text, TransformedEvent

_speedups.check_layout("PackedColumns", PackedColumns._fields)


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
    packed = _speedups.pack_events(events) if _speedups.pack_events and isinstance(events, list) else None
    columns, lines = packed or pack_events(events)
    result.events = PackedEvents(result.object, PackedColumns._make(columns))
    return lines


def pack_events(events: Sequence[TransformedEvent]) -> tuple[PackedColumns, bytes]:
    """Return the columns of a block's events, and the texts of their statements as lines.

    Its twin in C takes a tenth of the time.
    """
    statements = [*chain.from_iterable([event.statements for event in events])]
    ids = [statement.id.encode(errors="surrogatepass") for statement in statements]
    timestamps = [statement.timestamp.encode(errors="surrogatepass") for statement in statements]
    routes = [event.routes for event in events]
    columns = PackedColumns(
        offsets=_column([event.position.offset for event in events]),
        names=[event.name for event in events],
        routes=None if routes.count(ALL_ROUTES) == len(routes) else routes,
        statements_per_event=_column([len(event.statements) for event in events]),
        ids=b"".join(ids),
        id_lengths=_column(map(len, ids)),
        timestamps=b"".join(timestamps),
        timestamp_lengths=_column(map(len, timestamps)),
    )
    return columns, joined_lines([statement.text for statement in statements])


def _column(numbers: Iterable[int]) -> bytes:
    return array("q", numbers).tobytes()


def unpack_results(heads: Sequence[BlockResult], texts: Sequence[memoryview]) -> Sequence[BlockResult]:
    """Return the results that ``pack_results`` was given, with packed events."""
    for head, lines in zip(heads, texts, strict=True):
        head.events = replace(cast("PackedEvents", head.events), lines=lines)
    return heads
