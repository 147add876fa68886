"""Transform one block of lines. Any process can do this on its own."""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from log_replay import _speedups
from log_replay.errors import LogReplayError
from log_replay.events import parse_event, read_events
from log_replay.events.filters import Filters
from log_replay.events.prefilter import Prefilter
from log_replay.identities.cache import Subject
from log_replay.records import (
    ALL_ROUTES,
    BlockResult,
    Position,
    Rejected,
    Statement,
    TransformedEvent,
    new_transformed_event,
)
from log_replay.statements import reject_detail, reject_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from log_replay._speedups import LineSpan, TransformLine
    from log_replay.block_profile import ProfileNotes
    from log_replay.identities.cache import IdentityCache
    from log_replay.records import Event, EventFields, LineBlock, RouteNames
    from log_replay.statements import Transformer
    from log_replay.statements.native.recipes import LineRecipes


#: The maximum number of events for which a search of the place of each is faster than to sort all of a block.
FEW_EVENTS = 8
# These take a third of the time of attributes.
_NAME: Callable[[TransformedEvent], str] = itemgetter(1)
_NAME_AND_STATEMENTS: Callable[[TransformedEvent], tuple[str, tuple[Statement, ...]]] = itemgetter(1, 2)

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
    count = defaultdict[str, int](int)  # a Counter takes longer to add names
    note = notes.transformed.append if notes else None
    identities.forget_oldest()
    prefilter = _prefilter(transformer.names)
    classified = prefilter.classify(block, notes.level if notes else None)
    if notes:
        notes.scanned = classified.scanned
    recipes = None if routes or filters != Filters() else transformer.line_recipes(identities)
    if recipes:
        lines = _Lines(block, transformer, identities, recipes, notes)
        lines.transform(classified.events)
        events, result.rejects = lines.events, lines.rejects
        count.update(Counter(map(_NAME, events)))
        for name, statements in map(_NAME_AND_STATEMENTS, events):
            if len(statements) > 1:
                count[name] += len(statements) - 1
        result.counters.known = len(events) + len(result.rejects)
        classified = classified._replace(events=lines.others)
    in_c = len(events)
    username_first = transformer.username_first
    read = read_events(block, prefilter, filters, result, username_first=username_first, classified=classified)
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
                note((event.user, event.course_id, statements, event.position.offset))
    _sort(events, in_c)
    result.events = events
    result.rejects.sort(key=_offset)
    result.statements_by_event.update(count)
    result.counters.statements = sum(count.values())
    result.counters.transformed = len(events)
    result.counters.rejected = result.counters.known - result.counters.transformed
    return result


class _Lines:
    """The lines of a block that C code transforms or rejects.

    Attributes:
        events: the transformed events.
        rejects: the rejected events.
        others: the other lines.
    """

    def __init__(
        self,
        block: LineBlock,
        transformer: Transformer,
        identities: IdentityCache,
        recipes: LineRecipes,
        notes: ProfileNotes | None,
    ) -> None:
        self._block, self._transformer, self._identities = block, transformer, identities
        self._recipes, self._notes = recipes, notes
        self.events: list[TransformedEvent] = []
        self.rejects: list[Rejected] = []
        self.others: list[LineSpan] = []

    def transform(self, spans: Sequence[LineSpan]) -> None:
        """Transform the lines that C code supports, those with unknown identities after one look-up for all of them."""
        events, waiting = self._try(spans)
        if waiting:
            self._identities.fetch(waiting.values())
            again = [spans[index] for index in waiting]
            late, still_waiting = self._try(again)
            for index, event in zip(waiting, late, strict=True):
                events[index] = event
            self.others += [again[index] for index in still_waiting]
            self.others.sort()
        self.events = [*filter(None, events)]
        self._transformer.count_native(len(self.events) + len(self.rejects))

    def _try(self, spans: Sequence[LineSpan]) -> tuple[list[TransformedEvent | None], dict[int, Subject]]:
        """Transform lines.

        Return the event of each line, if it gave one, and the lines whose identities must be looked up first, by index.
        """
        events: list[TransformedEvent | None] = []
        waiting: dict[int, Subject] = {}
        object_, text, start = self._block.object, self._block.text, self._block.start
        function, recipes = cast("TransformLine", _speedups.transform_line), self._recipes
        add, noted = events.append, self._notes.counted_in_c if self._notes else None
        verifies = self._transformer.verifies
        for begin, end, plain in spans:
            result = function(
                TransformedEvent, Rejected, Position, Statement, recipes, object_, text, begin, end, start, noted
            )
            if type(result) is TransformedEvent:
                add(result)
            elif result is None:
                self.others.append((begin, end, plain))
                add(None)
                continue
            elif type(result) is Rejected:
                self._reject(result)
                add(None)
            else:
                waiting[len(events)] = Subject._make(result)
                add(None)
                continue
            if verifies:
                line = bytes(text[begin:end])
                self._transformer.verify(parse_event(line, result.position), self._identities, result)
        return events, waiting

    def _reject(self, reject: Rejected) -> None:
        self.rejects.append(reject)
        if self._notes and self._notes.tally is None:
            user, course_id, *_ = self._notes.transformed.pop()
            self._notes.rejected.append((reject.reason, user, course_id))


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


def _sort(events: list[TransformedEvent], in_order: int) -> None:
    """Sort events, the first of which are in order. Usually there are no others, or a few."""
    others = events[in_order:]
    if len(others) > FEW_EVENTS:
        events.sort(key=_offset)
        return
    del events[in_order:]
    for event in others:
        insort(events, event, key=_offset)


def _offset(found: TransformedEvent | Rejected) -> int:
    return found.position.offset
