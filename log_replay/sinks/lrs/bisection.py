"""Find the statements of a batch that an endpoint refuses.

An LRS accepts or refuses a batch as a whole. A refused batch is sent again in smaller parts, the statements that the
response names first, until all acceptable statements are stored and each refused statement was sent alone.

A statement of an accepted batch is delivered if the response names it. Ralph names only new statements: the others are
sent again, and it confirms that it has them. If the response names none of them, each one is fetched from the LRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from log_replay.sinks.lrs.comparison import same_statement
from log_replay.sinks.lrs.responses import CONFLICT, INVALID, REASONS, REFUSED, UNCONFIRMED, LrsResponse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: In a part of up to this size with a conflict, each statement is fetched from the LRS.
_FETCH_LIMIT = 8


class Outcome(IntEnum):
    """The outcome of a statement at one route. Over all routes, the highest outcome counts."""

    UNROUTED = 0
    DUPLICATE = 1
    DELIVERED = 2
    FAILED = 3


class StatementResult(NamedTuple):
    """The outcome of a statement at one route; for a refused statement, the reason and the response."""

    outcome: Outcome
    reason: str = ""
    response: LrsResponse | None = None


DELIVERED = StatementResult(Outcome.DELIVERED)
DUPLICATE = StatementResult(Outcome.DUPLICATE)


class LookupFailed(Exception):
    """An endpoint does not return stored statements; never leaves the LRS sink."""


class Receiver(Protocol):
    """An endpoint that statements are sent to."""

    def post(self, texts: Sequence[bytes]) -> LrsResponse:
        """Send statements in one request and return the response."""

    def fetch(self, statement_id: str) -> Any:
        """Return the stored statement with this id; None if there is none.

        Raises:
            LookupFailed: the endpoint does not return stored statements.
        """

    def report_unnamed(self) -> None:
        """Note that the endpoint accepts statements without naming them."""


@dataclass(frozen=True)
class _Part:
    """Statements to send in one request.

    Args:
        ids: their ids.
        conflicting: they are part of a batch that was refused with a conflict.
        halve: halve the part if it is refused, even if the response names some of the statements.
        unnamed: the response to an earlier request did not name them.
    """

    ids: Sequence[str]
    conflicting: bool = False
    halve: bool = False
    unnamed: bool = False

    def halves(self, *, conflicting: bool) -> list[_Part]:
        """Return the two halves, or one part for a single statement."""
        middle = (len(self.ids) + 1) // 2
        parts = (self.ids[:middle], self.ids[middle:])
        return [_Part(ids, conflicting or self.conflicting, halve=self.halve) for ids in parts if ids]


class StatementLookup:
    """Fetches stored statements from an endpoint. After a failure, it fetches no more for the same batch."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._failed = False

    def fetch(self, statement_id: str) -> Any:
        """Return the stored statement with this id; None if there is none.

        Raises:
            LookupFailed: this look-up or an earlier one has failed.
        """
        if self._failed:
            raise LookupFailed
        try:
            return self._receiver.fetch(statement_id)
        except LookupFailed:
            self._failed = True
            raise


def bisect(
    receiver: Receiver, texts: Mapping[str, bytes], lookup: StatementLookup | None = None
) -> dict[str, StatementResult]:
    """Send a batch and return the result of each statement.

    Args:
        receiver: the endpoint.
        texts: the statements by their ids.
        lookup: the look-up of stored statements, if several parts of a batch share one.

    Raises:
        DestinationUnavailable: the endpoint is unavailable.
    """
    return _Bisection(receiver, texts, lookup or StatementLookup(receiver)).run()


class _Bisection:
    """One batch: each response gives results, or parts to send next."""

    def __init__(self, receiver: Receiver, texts: Mapping[str, bytes], lookup: StatementLookup) -> None:
        self._receiver = receiver
        self._texts = texts
        self._lookup = lookup
        self._results: dict[str, StatementResult] = {}

    def run(self) -> dict[str, StatementResult]:
        parts = [_Part(list(self._texts))] if self._texts else []
        while parts:
            part = parts.pop()
            response = self._receiver.post([self._texts[id_] for id_ in part.ids])
            parts += reversed(self._next_parts(part, response))
        return self._results

    def _next_parts(self, part: _Part, response: LrsResponse) -> list[_Part]:
        if response.status == HTTPStatus.CONFLICT:
            return self._resolve_conflict(part, response) if len(part.ids) <= _FETCH_LIMIT else _divide(part, response)
        if response.errors:
            return self._keep_partial_success(part, response)
        if response.confirms_all:
            return self._keep_all(part, response)
        if response.accepted:
            return self._keep_named(part, response)
        return self._divide_or_fail(part, response)

    def _keep_all(self, part: _Part, response: LrsResponse) -> list[_Part]:
        """Store the results of a part that is completely stored.

        After a conflict, a statement that the LRS did not store now was stored before. That is not known if an earlier
        attempt had no response: it may have stored the statement.
        """
        stored = response.stored if part.conflicting and not response.retried else None
        for id_ in part.ids:
            self._results[id_] = DELIVERED if stored is None or id_.lower() in stored else DUPLICATE
        return []

    def _keep_named(self, part: _Part, response: LrsResponse) -> list[_Part]:
        """Store the results of the statements that the response names, and confirm the others."""
        stored = response.stored or set()
        unnamed = []
        for id_ in part.ids:
            if id_.lower() in stored:
                self._results[id_] = DELIVERED
            else:
                unnamed.append(id_)
        if len(unnamed) == len(part.ids):
            self._receiver.report_unnamed()
        elif unnamed and not part.unnamed:
            return [_Part(unnamed, part.conflicting and not response.retried, unnamed=True)]
        for id_ in unnamed:
            self._results[id_] = self._look_up_unnamed(id_, part, response)
        return []

    def _look_up_unnamed(self, id_: str, part: _Part, response: LrsResponse) -> StatementResult:
        same = self._compare_with_stored(id_)
        if same is None:
            return StatementResult(Outcome.FAILED, UNCONFIRMED, response)
        if not same:
            return StatementResult(Outcome.FAILED, CONFLICT, response)
        return DUPLICATE if part.conflicting else DELIVERED

    def _keep_partial_success(self, part: _Part, response: LrsResponse) -> list[_Part]:
        """Ralph, if partial success is enabled, stores all statements except those that its response names."""
        refused = {part.ids[index] for index in response.errors or () if 0 <= index < len(part.ids)}
        if not refused or len(part.ids) == 1:
            return self._divide_or_fail(part, response)
        for id_ in part.ids:
            if id_ not in refused:
                self._results[id_] = DELIVERED
        return [_Part([id_], part.conflicting) for id_ in part.ids if id_ in refused]

    def _resolve_conflict(self, part: _Part, response: LrsResponse) -> list[_Part]:
        """Fetch each statement: the same one is a duplicate, another one a conflict, a missing one is sent again."""
        unresolved = []
        for id_ in part.ids:
            same = self._compare_with_stored(id_)
            if same is None:
                unresolved.append(id_)
            else:
                self._results[id_] = DUPLICATE if same else StatementResult(Outcome.FAILED, CONFLICT, response)
        if len(unresolved) == len(part.ids):
            return self._divide_or_fail(part, response)
        return [_Part(unresolved, conflicting=True)] if unresolved else []

    def _compare_with_stored(self, id_: str) -> bool | None:
        """Return True if the LRS has the same statement, False if another one, None if that is not known."""
        try:
            stored = self._lookup.fetch(id_)
        except LookupFailed:
            return None
        return None if stored is None else same_statement(orjson.loads(self._texts[id_]), stored)

    def _divide_or_fail(self, part: _Part, response: LrsResponse) -> list[_Part]:
        if len(part.ids) > 1:
            return _divide(part, response)
        reason = INVALID if response.accepted else REASONS.get(response.status, REFUSED)
        self._results[part.ids[0]] = StatementResult(Outcome.FAILED, reason, response)
        return []


def _divide(part: _Part, response: LrsResponse) -> list[_Part]:
    """Return smaller parts: each statement that the response names alone, then the others."""
    conflicting = part.conflicting or response.status == HTTPStatus.CONFLICT
    named = response.named_statements(part.ids)
    if not named:
        return part.halves(conflicting=conflicting)
    others = _Part([id_ for id_ in part.ids if id_ not in set(named)], conflicting, halve=True)
    return [
        *(_Part([id_], conflicting) for id_ in named),
        *(others.halves(conflicting=conflicting) if part.halve else [others]),
    ]
