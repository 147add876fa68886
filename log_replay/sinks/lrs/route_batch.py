"""One batch at one route: what is sent, in which requests, and what became of each statement."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import orjson

from log_replay.errors import DestinationUnavailable
from log_replay.records import Refusal
from log_replay.sinks.lrs.bisection import DUPLICATE, Outcome, StatementResult, settle
from log_replay.sinks.lrs.comparison import same_statement
from log_replay.sinks.lrs.responses import CONFLICT, MEANINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from log_replay.records import Statement, TransformedEvent
    from log_replay.sinks.lrs.endpoint import Endpoint

#: Why a statement is not at a route that is lost while the run goes on for others.
LOST = "destination_unavailable"


class Wanted(NamedTuple):
    """A statement that a route wants: its place in the batch, its id and text there, and what it was made of."""

    number: int
    id: str
    text: bytes
    event: TransformedEvent


class RouteBatch:
    """A batch on its way to one route.

    Each id is sent once. A repeat is a duplicate if it is the same statement, and in conflict with the first if not.

    Args:
        endpoint: the route's.
        batch: events with their statements.
        name: the route's name.
        is_xapi: whether statements of one id must be the same.
    """

    def __init__(self, endpoint: Endpoint, batch: Sequence[TransformedEvent], name: str, *, is_xapi: bool) -> None:
        self.endpoint = endpoint
        self.lost: DestinationUnavailable | None = None
        self._is_xapi = is_xapi
        self._wanted = list(self._find(batch, name))
        self._firsts: dict[str, Wanted] = {}
        for wanted in self._wanted:
            self._firsts.setdefault(wanted.id, wanted)
        self._fates: dict[str, StatementResult] = {}

    def calls(self, concurrency: int, most_at_once: int | None) -> list[Callable[[], None]]:
        """Return what sends the batch: calls that may run at the same time.

        Args:
            concurrency: into how many to cut the batch.
            most_at_once: how many statements one request may hold.
        """
        texts = {first.id: first.text for first in self._firsts.values()}
        return [partial(self._send, part, most_at_once or len(part)) for part in _parts(texts, concurrency)]

    @property
    def wanted(self) -> bool:
        """Whether the route wants anything of the batch."""
        return bool(self._wanted)

    def fates(self) -> Iterator[tuple[Wanted, StatementResult]]:
        """Yield what became of each statement that the route wants."""
        for wanted in self._wanted:
            yield wanted, StatementResult(Outcome.FAILED, LOST) if self.lost else self._fate(wanted)

    def refusal(self, wanted: Wanted, fate: StatementResult) -> Refusal:
        """Return the dead letter of a statement that failed."""
        return Refusal(
            position=wanted.event.position,
            event=wanted.event.name,
            statement_id=wanted.id,
            reason=fate.reason,
            destination=self.endpoint.route.shown,
            status=fate.answer.status if fate.answer else None,
            fields=fate.answer.fields if fate.answer else (),
            answer=fate.answer.text if fate.answer else None,
            text=wanted.text,
        )

    def failure(self, fate: StatementResult) -> str:
        """Return in words why a statement was refused."""
        said = f"it answered {fate.answer.shown}" if fate.answer else "not sent twice"
        return f"send {self.endpoint.route.shown}: {said}: {MEANINGS[fate.reason]}"

    def _find(self, batch: Sequence[TransformedEvent], name: str) -> Iterator[Wanted]:
        number = 0
        for event in batch:
            for statement in event.statements:
                if event.routes is None or name in event.routes:
                    yield Wanted(number, self._id(statement), self.endpoint.route.text(statement), event)
                number += 1

    def _id(self, statement: Statement) -> str:
        # What overrides a Caliper envelope does not reach the event in it, whose id counts.
        return str(self.endpoint.route.override.get("id", statement.id)) if self._is_xapi else statement.id

    def _send(self, texts: Mapping[str, bytes], most_at_once: int) -> None:
        entries = iter(texts.items())
        try:
            while request := dict(islice(entries, most_at_once)):
                self._fates |= settle(self.endpoint, request)
        except DestinationUnavailable as error:
            self.lost = error

    def _fate(self, wanted: Wanted) -> StatementResult:
        first, fate = self._firsts[wanted.id], self._fates[wanted.id]
        if wanted is first or fate.outcome is Outcome.FAILED:
            return fate
        if not self._is_xapi or wanted.text == first.text:
            return DUPLICATE
        same = same_statement(orjson.loads(wanted.text), orjson.loads(first.text))
        return DUPLICATE if same else StatementResult(Outcome.FAILED, CONFLICT)


def _parts(texts: Mapping[str, bytes], count: int) -> Iterator[dict[str, bytes]]:
    """Cut statements into so many parts of the same size, or less."""
    entries = iter(texts.items())
    size = -(-len(texts) // count)
    while part := dict(islice(entries, size)):
        yield part
