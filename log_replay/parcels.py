"""What goes to workers and back, packed: a few large objects travel many times faster than thousands of small ones."""

from __future__ import annotations

from array import array
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from log_replay.records import BlockResult, LineBlock, Position, Statement, TransformedEvent

if TYPE_CHECKING:
    from collections.abc import Iterator


class BlockParcel(NamedTuple):
    """A packed ``LineBlock``."""

    object: str
    text: bytes
    offsets: array[int]
    end_offset: int
    oversized: list[int]


class ResultParcel(NamedTuple):
    """A packed ``BlockResult``: one without events, and theirs by columns."""

    rest: BlockResult
    offsets: array[int]
    names: list[str]
    routes: list[int]
    statements_per_event: array[int]
    ids: list[str]
    timestamps: list[str]
    texts: list[bytes]


def pack_block(block: LineBlock) -> BlockParcel:
    """Pack a block; its lines hold no line ends, so these can stand between them."""
    return BlockParcel(
        block.object, b"\n".join(block.lines), array("q", block.offsets), block.end_offset, block.oversized
    )


def unpack_block(parcel: BlockParcel) -> LineBlock:
    """Return the block that was packed."""
    lines = parcel.text.split(b"\n") if parcel.offsets else []
    return LineBlock(parcel.object, lines, parcel.offsets.tolist(), parcel.end_offset, parcel.oversized)


def pack_result(result: BlockResult) -> ResultParcel:
    """Pack a result, which is left without its events."""
    events, result.events = result.events, []
    statements = [statement for event in events for statement in event.statements]
    return ResultParcel(
        result,
        array("q", [event.position.offset for event in events]),
        [event.name for event in events],
        [event.routes for event in events],
        array("q", [len(event.statements) for event in events]),
        [statement.id for statement in statements],
        [statement.timestamp for statement in statements],
        [statement.text for statement in statements],
    )


def unpack_result(parcel: ResultParcel) -> BlockResult:
    """Return the result that was packed."""
    statements: Iterator[Statement] = map(Statement, parcel.ids, parcel.timestamps, parcel.texts)
    columns = zip(parcel.offsets, parcel.names, parcel.routes, parcel.statements_per_event, strict=True)
    parcel.rest.events = [
        TransformedEvent(Position(parcel.rest.object, offset), name, tuple(islice(statements, count)), routes)
        for offset, name, routes, count in columns
    ]
    return parcel.rest
