"""One block of lines -> its statements: the stage that can be handed to another process whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.errors import LogReplayError
from log_replay.events import read_events
from log_replay.records import ALL_ROUTES, BlockResult, Rejected, TransformedEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.filters import Filters
    from log_replay.lms.directory import Directory
    from log_replay.records import Event, EventFields, LineBlock
    from log_replay.statements import Transformer


def transform_block(
    block: LineBlock,
    *,
    filters: Filters,
    directory: Directory,
    transformer: Transformer,
    routes: Callable[[EventFields], int] | None = None,
) -> BlockResult:
    """Make the statements of a block, in the order of its lines; what cannot be made is rejected, never raised.

    Args:
        block: whole lines.
        filters: what the operator asked for.
        directory: who and what; asked once for the whole block.
        transformer: makes statements of known events.
        routes: tells which of the destination's routes want an event; all of them if it is None.

    Raises:
        DirectoryError: the LMS's database does not answer.
    """
    found = read_events(block, transformer.names, filters)
    result = BlockResult(
        block.object, block.end_offset, found.counters, rejects=found.rejects, unknown_names=found.unknown_names
    )
    directory.prefetch(event.fields for event in found.events)
    for event in found.events:
        made = _transform(event, directory, transformer, routes)
        if isinstance(made, Rejected):
            result.rejects.append(made)
        else:
            result.events.append(made)
            result.counters.statements += len(made.statements)
    result.counters.transformed = len(result.events)
    result.counters.rejected = result.counters.known - result.counters.transformed
    result.rejects.sort(key=lambda rejected: rejected.position.offset)
    return result


def _transform(
    event: Event, directory: Directory, transformer: Transformer, routes: Callable[[EventFields], int] | None
) -> TransformedEvent | Rejected:
    try:
        # Asked first: one of upstream's transformers takes what routes may look at out of the event.
        wanted = routes(event.fields) if routes else ALL_ROUTES
        statements = transformer.transform(event, directory)
    except LogReplayError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever an event makes upstream's or an operator's code do, the run goes on
        return Rejected(event.position, getattr(error, "reason", None) or type(error).__name__, event.name)
    return TransformedEvent(event.position, event.name, statements, wanted)
