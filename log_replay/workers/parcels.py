"""What travels between the parent and its workers, taken apart: a small object to pickle, and large bytes."""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import chain
from typing import cast

from log_replay.records import BlockResult, LineBlock, PackedEvents, statement_lines


def pack_block(block: LineBlock) -> tuple[LineBlock, bytes]:
    """Take a block apart."""
    return replace(block, text=b""), block.text


def unpack_block(head: LineBlock, text: bytes) -> LineBlock:
    """Return the block that was taken apart."""
    return replace(head, text=text)


def pack_result(result: BlockResult) -> tuple[BlockResult, bytes]:
    """Take a result apart, whose events are packed for that."""
    events = result.events
    statements = [*chain.from_iterable(event.statements for event in events)]
    result.events = PackedEvents(
        result.object,
        array("q", [event.position.offset for event in events]),
        [event.name for event in events],
        [event.routes for event in events],
        array("q", [len(event.statements) for event in events]),
        [statement.id for statement in statements],
        [statement.timestamp for statement in statements],
    )
    return result, statement_lines(events)


def unpack_result(head: BlockResult, lines: bytes) -> BlockResult:
    """Return the result that was taken apart."""
    head.events = replace(cast("PackedEvents", head.events), lines=lines)
    return head
