"""What travels between the parent and its workers, taken apart: a small object to pickle, and large bytes.

A few large objects travel many times faster than thousands of small ones.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import NamedTuple

from log_replay.records import BlockResult, LineBlock, Position, Statement, TransformedEvent

# A named tuple made of a tuple, as its own _make does, in a third of the time.
_position = partial(tuple.__new__, Position)
_statement = partial(tuple.__new__, Statement)
_event = partial(tuple.__new__, TransformedEvent)


class ResultHead(NamedTuple):
    """A ``BlockResult`` without events, and theirs by columns; all but their statements' texts."""

    rest: BlockResult
    offsets: array[int]
    names: list[str]
    routes: list[int]
    statements_per_event: array[int]
    ids: list[str]
    timestamps: list[str]


def pack_block(block: LineBlock) -> tuple[LineBlock, list[bytes]]:
    """Take a block apart."""
    return replace(block, text=b""), [block.text]


def unpack_block(head: LineBlock, texts: list[bytes]) -> LineBlock:
    """Return the block that was taken apart."""
    return replace(head, text=texts[0])


def pack_result(result: BlockResult) -> tuple[ResultHead, list[bytes]]:
    """Take a result apart, which is left without its events."""
    events, result.events = result.events, []
    statements = [statement for event in events for statement in event.statements]
    head = ResultHead(
        result,
        array("q", [event.position.offset for event in events]),
        [event.name for event in events],
        [event.routes for event in events],
        array("q", [len(event.statements) for event in events]),
        [statement.id for statement in statements],
        [statement.timestamp for statement in statements],
    )
    return head, [statement.text for statement in statements]


def unpack_result(head: ResultHead, texts: list[bytes]) -> BlockResult:
    """Return the result that was taken apart."""
    name = head.rest.object
    statements = map(_statement, zip(head.ids, head.timestamps, texts, strict=True))
    columns = zip(head.offsets, head.names, head.routes, head.statements_per_event, strict=True)
    head.rest.events = [
        _event((_position((name, offset)), event_name, tuple(islice(statements, count)), routes))
        for offset, event_name, routes, count in columns
    ]
    return head.rest
