"""What travels between the parent and its workers, taken apart: a small object to pickle, and large bytes."""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, cast

from log_replay.records import BlockResult, LineBlock, PackedEvents, PackedTexts, joined_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_replay.records import Text

_offset = attrgetter("offset")


def pack_block(block: LineBlock) -> tuple[LineBlock, Sequence[Text]]:
    """Take a block apart."""
    return replace(block, pieces=()), block.pieces


def unpack_block(head: LineBlock, text: memoryview) -> LineBlock:
    """Return the block that was taken apart."""
    return replace(head, pieces=(text,))


def pack_result(result: BlockResult) -> tuple[BlockResult, Sequence[Text]]:
    """Take a result apart, whose events are packed for that."""
    # Column by column, so that every loop runs in C.
    positions, names, groups, routes = zip(*result.events, strict=True) if result.events else ((), (), (), ())
    statements = [*chain.from_iterable(groups)]
    ids, timestamps, texts = zip(*statements, strict=True) if statements else ((), (), ())
    result.events = PackedEvents(
        result.object,
        array("q", map(_offset, positions)),
        names,
        routes,
        array("q", map(len, groups)),
        _packed(ids),
        _packed(timestamps),
    )
    return result, (joined_lines(texts),)


def _packed(texts: Sequence[str]) -> PackedTexts:
    return PackedTexts("".join(texts), array("q", map(len, texts)))


def unpack_result(head: BlockResult, lines: memoryview) -> BlockResult:
    """Return the result that was taken apart."""
    head.events = replace(cast("PackedEvents", head.events), lines=lines)
    return head
