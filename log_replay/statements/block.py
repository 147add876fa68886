"""Transform one block of lines. Any process can do this on its own."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from log_replay.errors import LogReplayError
from log_replay.events import read_events
from log_replay.events.prefilter import Prefilter
from log_replay.records import ALL_ROUTES, BlockResult, Rejected, new_transformed_event
from log_replay.statements import reject_detail, reject_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from log_replay.block_profile import ProfileNotes
    from log_replay.events.filters import Filters
    from log_replay.identities.cache import IdentityCache
    from log_replay.records import Event, EventFields, LineBlock, RouteNames, TransformedEvent
    from log_replay.statements import Transformer


#: One for each set of names: making one takes 13 us, as long as transforming two lines of a small object.
_prefilter = lru_cache(maxsize=2)(Prefilter)


def transform_block(  # noqa: PLR0913 - everything that a run configures
    block: LineBlock,
    *,
    filters: Filters,
    identities: IdentityCache,
    transformer: Transformer,
    routes: Callable[[EventFields], RouteNames] | None = None,
    notes: ProfileNotes | None = None,
) -> BlockResult:
    """Transform the events of a block, in the order of its lines. An event that cannot be transformed is rejected.

    Args:
        block: whole lines.
        filters: the operator's filters.
        identities: users and courses; asked once for the whole block.
        transformer: transforms known events.
        routes: returns the routes that want an event; None if all routes want all events.
        notes: gets what the profile of the block needs.

    Raises:
        IdentityError: the LMS's database does not answer.
    """
    result = BlockResult(block.object, block.end_offset)
    events: list[TransformedEvent] = []
    waiting: list[Event] = []
    count = result.statements_by_event
    note = notes.transformed.append if notes else None
    identities.forget_oldest()
    prefilter = _prefilter(transformer.names)
    read = read_events(block, prefilter, filters, result, username_first=transformer.username_first, notes=notes)
    for event in _events_with_identities(read, identities, waiting):
        try:
            # Before the transform: one of upstream's transformers removes fields that routes may look at.
            wanted = routes(event.fields) if routes else ALL_ROUTES
            statements = transformer.transform(event, identities)
        except LogReplayError:
            raise
        except Exception as error:  # noqa: BLE001 - no error of upstream's or an operator's code may end the run
            reason = reject_reason(error)
            result.rejects.append(Rejected(event.position, reason, event.name, detail=reject_detail(error)))
            if notes:
                notes.rejected.append((reason, event.user, event.course_id))
        else:
            events.append(new_transformed_event((event.position, event.name, statements, wanted)))
            count[event.name] += len(statements)
            if note:
                note((event.user, event.course_id, statements))
    if waiting:
        events.sort(key=_offset)
    result.events = events
    result.rejects.sort(key=_offset)
    result.counters.statements = result.statements_by_event.total()
    result.counters.transformed = len(events)
    result.counters.rejected = result.counters.known - result.counters.transformed
    return result


def _events_with_identities(
    events: Iterable[Event], identities: IdentityCache, waiting: list[Event]
) -> Iterator[Event]:
    """Yield events whose identities are cached at once, and the other events after one look-up for all of them.

    The other events are appended to ``waiting``. Most events need no look-up. To transform an event right after it was
    read, while it is in the processor's cache, takes half the time of reading a whole block first.
    """
    is_cached = identities.is_cached
    for event in events:
        if is_cached(event):
            yield event
        else:
            waiting.append(event)
    if waiting:
        identities.fetch(waiting)
        yield from waiting


def _offset(found: TransformedEvent | Rejected) -> int:
    return found.position.offset
