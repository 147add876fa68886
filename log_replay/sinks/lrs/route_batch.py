"""The statements of one batch for one route, and their results."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import orjson

from log_replay.errors import DestinationUnavailable
from log_replay.records import Refusal
from log_replay.sinks.lrs.bisection import DUPLICATE, Outcome, StatementLookup, StatementResult, bisect
from log_replay.sinks.lrs.comparison import same_statement
from log_replay.sinks.lrs.responses import CONFLICT, MEANINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from log_replay.records import Statement, TransformedEvent
    from log_replay.sinks.lrs.endpoint import Endpoint

#: The reason in the dead letter of a statement for an unavailable route.
UNAVAILABLE = "destination_unavailable"


class RoutedStatement(NamedTuple):
    """A statement for a route: its number in the batch, its id and text at the route, and its event."""

    number: int
    id: str
    text: bytes
    event: TransformedEvent


class RouteBatch:
    """The statements of a batch for one route.

    Each id is sent once. A repeated id is a duplicate if the statement is the same, and a conflict otherwise.

    Args:
        endpoint: the endpoint of the route.
        batch: events with their statements.
        name: the name of the route.
        is_xapi: compare statements with the same id; Caliper does not define when two events are the same.

    Attributes:
        routed: the statements for the route.
        unavailable: the error that made the route unavailable, None if it is available.
    """

    def __init__(self, endpoint: Endpoint, batch: Sequence[TransformedEvent], name: str, *, is_xapi: bool) -> None:
        self.endpoint = endpoint
        self.unavailable: DestinationUnavailable | None = None
        self._is_xapi = is_xapi
        self.routed = list(self._select(batch, name))
        self._first_by_id: dict[str, RoutedStatement] = {}
        for routed in self.routed:
            self._first_by_id.setdefault(routed.id, routed)
        self._results: dict[str, StatementResult] = {}
        self._lookup = StatementLookup(endpoint)

    def calls(self, concurrency: int, max_statements: int | None) -> list[Callable[[], None]]:
        """Return functions that send the batch; they may run at the same time.

        Args:
            concurrency: the number of functions.
            max_statements: the largest number of statements in one request.
        """
        texts = {first.id: first.text for first in self._first_by_id.values()}
        return [partial(self._send, part, max_statements or len(part)) for part in _parts(texts, concurrency)]

    def results(self) -> Iterator[tuple[RoutedStatement, StatementResult]]:
        """Yield the result of each statement for the route."""
        for routed in self.routed:
            yield routed, StatementResult(Outcome.FAILED, UNAVAILABLE) if self.unavailable else self._result(routed)

    def refusals(self) -> Iterator[Refusal]:
        """Yield a dead letter for each statement that failed."""
        for routed, result in self.results():
            if result.outcome is Outcome.FAILED:
                yield self._refusal(routed, result)

    def failures(self) -> Iterator[str]:
        """Yield a message for each statement that was refused."""
        for _, result in self.results():
            if result.outcome is Outcome.FAILED:
                response = result.response
                cause = f"it answered {response.shown}" if response else "repeated in the batch"
                yield f"send {self.endpoint.route.shown}: {cause}: {MEANINGS[result.reason]}"

    def _select(self, batch: Sequence[TransformedEvent], name: str) -> Iterator[RoutedStatement]:
        number = 0
        for event in batch:
            for statement in event.statements:
                if event.routes is None or name in event.routes:
                    yield RoutedStatement(number, self._id(statement), self.endpoint.route.text(statement), event)
                number += 1

    def _id(self, statement: Statement) -> str:
        # In Caliper, override_args change the envelope. The id is that of the event in it.
        return str(self.endpoint.route.override.get("id", statement.id)) if self._is_xapi else statement.id

    def _send(self, texts: Mapping[str, bytes], max_statements: int) -> None:
        entries = iter(texts.items())
        try:
            while request := dict(islice(entries, max_statements)):
                self._results |= bisect(self.endpoint, request, self._lookup)
        except DestinationUnavailable as error:
            self.unavailable = error

    def _result(self, routed: RoutedStatement) -> StatementResult:
        first, result = self._first_by_id[routed.id], self._results[routed.id]
        if routed is first or result.outcome is Outcome.FAILED:
            return result
        if not self._is_xapi or routed.text == first.text:
            return DUPLICATE
        same = same_statement(orjson.loads(routed.text), orjson.loads(first.text))
        return DUPLICATE if same else StatementResult(Outcome.FAILED, CONFLICT)

    def _refusal(self, routed: RoutedStatement, result: StatementResult) -> Refusal:
        response = result.response
        return Refusal(
            position=routed.event.position,
            event=routed.event.name,
            statement_id=routed.id,
            reason=result.reason,
            destination=self.endpoint.route.shown,
            status=response.status if response else None,
            fields=response.fields if response else (),
            answer=response.text if response else None,
            text=routed.text,
        )


def _parts(texts: Mapping[str, bytes], count: int) -> Iterator[dict[str, bytes]]:
    """Cut statements into at most ``count`` parts of the same size."""
    entries = iter(texts.items())
    size = -(-len(texts) // count)
    while part := dict(islice(entries, size)):
        yield part
