"""What travels between the parent and its workers, taken apart: a small object to pickle, and large bytes.

A few large objects travel many times faster than thousands of small ones.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import chain, islice, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from log_replay.records import (
    BlockResult,
    LineBlock,
    Statement,
    TransformedEvent,
    new_position,
    new_statement,
    new_transformed_event,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class ResultHead(NamedTuple):
    """A ``BlockResult`` without events, and theirs by columns; all but their statements' texts."""

    rest: BlockResult
    offsets: array[int]
    names: Sequence[str]
    routes: Sequence[int]
    statements_per_event: array[int]
    ids: Sequence[str]
    timestamps: Sequence[str]


def pack_block(block: LineBlock) -> tuple[LineBlock, list[bytes]]:
    """Take a block apart."""
    return replace(block, text=b""), [block.text]


def unpack_block(head: LineBlock, texts: Sequence[bytes]) -> LineBlock:
    """Return the block that was taken apart."""
    return replace(head, text=texts[0])


def pack_result(result: BlockResult) -> tuple[ResultHead, Sequence[bytes]]:
    """Take a result apart, which is left without its events."""
    events, result.events = result.events, []
    positions, names, groups, routes = _columns(events, TransformedEvent)
    ids, timestamps, texts = _columns([*chain.from_iterable(groups)], Statement)
    offsets = array("q", map(itemgetter(1), positions))
    return ResultHead(result, offsets, names, routes, array("q", map(len, groups)), ids, timestamps), texts


def _columns(rows: Sequence[NamedTuple], kind: type[NamedTuple]) -> Sequence[Sequence[Any]]:
    return [*zip(*rows, strict=True)] or [()] * len(kind._fields)


def unpack_result(head: ResultHead, texts: Sequence[bytes]) -> BlockResult:
    """Return the result that was taken apart; every loop of it runs in C."""
    statements = map(new_statement, zip(head.ids, head.timestamps, texts, strict=True))
    positions = map(new_position, zip(repeat(head.rest.object), head.offsets, strict=False))
    groups = map(tuple, map(islice, repeat(statements), head.statements_per_event))
    head.rest.events = list(map(new_transformed_event, zip(positions, head.names, groups, head.routes, strict=True)))
    return head.rest
