"""One block of lines -> its statements: the stage that can be handed to another process whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_replay.errors import LogReplayError
from log_replay.events import read_events
from log_replay.events.prefilter import Prefilter
from log_replay.records import ALL_ROUTES, BlockResult, Rejected, new_transformed_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from log_replay.events.filters import Filters
    from log_replay.identities.cache import IdentityCache
    from log_replay.records import Event, EventFields, LineBlock, RouteNames, TransformedEvent
    from log_replay.statements import Transformer


def transform_block(
    block: LineBlock,
    *,
    filters: Filters,
    directory: IdentityCache,
    transformer: Transformer,
    routes: Callable[[EventFields], RouteNames] | None = None,
) -> BlockResult:
    """Make the statements of a block, in the order of its lines; what cannot be made is rejected, never raised.

    Args:
        block: whole lines.
        filters: what the operator asked for.
        directory: who and what; asked once for the whole block.
        transformer: makes statements of known events.
        routes: tells which of the destination's routes want an event; all of them if it is None.

    Raises:
        IdentityError: the LMS's database does not answer.
    """
    result = BlockResult(block.object, block.end_offset)
    events: list[TransformedEvent] = []
    waiting: list[Event] = []
    count = result.statements_by_event
    directory.forget_oldest()
    for event in _at_hand_first(read_events(block, Prefilter(transformer.names), filters, result), directory, waiting):
        try:
            # Asked first: one of upstream's transformers takes what routes may look at out of the event.
            wanted = routes(event.fields) if routes else ALL_ROUTES
            statements = transformer.transform(event, directory)
        except LogReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever an event makes upstream's or an operator's code do, the run goes on
            reason = getattr(error, "reason", None) or type(error).__name__
            result.rejects.append(Rejected(event.position, reason, event.name))
        else:
            events.append(new_transformed_event((event.position, event.name, statements, wanted)))
            count[event.name] += len(statements)
    if waiting:
        events.sort(key=_offset)
    result.events = events
    result.rejects.sort(key=_offset)
    result.counters.statements = result.statements_by_event.total()
    result.counters.transformed = len(events)
    result.counters.rejected = result.counters.known - result.counters.transformed
    return result


def _at_hand_first(events: Iterable[Event], directory: IdentityCache, waiting: list[Event]) -> Iterator[Event]:
    """Yield events whose identities are known at once, and those ``waiting`` after one look-up for all of them.

    Most name nobody new. They are transformed while they are in the processor's cache, and forgotten: that takes half
    the time of first reading a whole block.
    """
    knows = directory.knows
    for event in events:
        if knows(event):
            yield event
        else:
            waiting.append(event)
    if waiting:
        directory.fetch(waiting)
        yield from waiting


def _offset(found: TransformedEvent | Rejected) -> int:
    return found.position.offset
