"""What becomes of each statement of a batch that an endpoint does not take as it is.

An LRS takes a batch or refuses it whole. What is refused is sent again in ever smaller parts, first of all those that
the answer seems to be about, until whatever can be stored is stored and each refused statement stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from log_replay.sinks.lrs.comparison import same_statement
from log_replay.sinks.lrs.responses import CONFLICT, INVALID, REASONS, REFUSED, LrsResponse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Up to so many statements in conflict, the LRS is asked for each.
_ASKED = 8


class Outcome(IntEnum):
    """What became of a statement; over all routes, the highest of what became of it at each."""

    UNROUTED = 0
    DUPLICATE = 1
    DELIVERED = 2
    FAILED = 3


class StatementResult(NamedTuple):
    """What became of a statement at one route and, if it was refused, why."""

    outcome: Outcome
    reason: str = ""
    answer: LrsResponse | None = None


DELIVERED = StatementResult(Outcome.DELIVERED)
DUPLICATE = StatementResult(Outcome.DUPLICATE)


class Receiver(Protocol):
    """Where statements are sent."""

    def post(self, texts: Sequence[bytes]) -> LrsResponse:
        """Send statements together and return the answer."""

    def ask(self, statement_id: str) -> Any:
        """Return the statement of this id as it is there, None where there is none or it cannot be told."""


@dataclass(frozen=True)
class _Part:
    """Statements to be sent together.

    Args:
        ids: theirs.
        conflicting: whether they are part of a batch that was refused for a conflict.
        halve: whether they are to be halved if they are refused, whatever the answer says of some of them.
    """

    ids: Sequence[str]
    conflicting: bool = False
    halve: bool = False

    def halves(self, *, conflicting: bool) -> list[_Part]:
        """Return two parts, or this one's only statement."""
        middle = (len(self.ids) + 1) // 2
        parts = (self.ids[:middle], self.ids[middle:])
        return [_Part(ids, conflicting or self.conflicting, halve=self.halve) for ids in parts if ids]


def settle(receiver: Receiver, texts: Mapping[str, bytes]) -> dict[str, StatementResult]:
    """Send a batch and return what became of each of its statements.

    Args:
        receiver: where to.
        texts: the statements by their ids.

    Raises:
        DestinationUnavailable: nothing can be delivered there.
    """
    fates: dict[str, StatementResult] = {}
    waiting = [_Part(list(texts))] if texts else []
    while waiting:
        part = waiting.pop()
        answer = receiver.post([texts[id_] for id_ in part.ids])
        if answer.status == HTTPStatus.CONFLICT and len(part.ids) <= _ASKED:
            again = _settle_conflict(receiver, part, answer, texts, fates)
        elif answer.status != HTTPStatus.CONFLICT and answer.errors:
            again = _settle_some(part, answer, fates)
        elif answer.taken or answer.errors == []:
            again = _settle_taken(part, answer, fates)
        else:
            again = _divide(part, answer, fates)
        waiting += reversed(again)
    return fates


def _settle_taken(part: _Part, answer: LrsResponse, fates: dict[str, StatementResult]) -> list[_Part]:
    """Everything is there now. In a batch with a conflict, what an LRS did not store anew was there before."""
    stored = answer.stored if part.conflicting and not answer.again else None
    for id_ in part.ids:
        fates[id_] = DELIVERED if stored is None or id_.lower() in stored else DUPLICATE
    return []


def _settle_some(part: _Part, answer: LrsResponse, fates: dict[str, StatementResult]) -> list[_Part]:
    """Ralph, under partial success, stored all but those that it names."""
    named = {part.ids[place] for place in answer.errors or () if 0 <= place < len(part.ids)}
    if not named or len(part.ids) == 1:
        return _divide(part, answer, fates)
    for id_ in part.ids:
        if id_ not in named:
            fates[id_] = DELIVERED
    return [_Part([id_], part.conflicting) for id_ in part.ids if id_ in named]


def _settle_conflict(
    receiver: Receiver, part: _Part, answer: LrsResponse, texts: Mapping[str, bytes], fates: dict[str, StatementResult]
) -> list[_Part]:
    """Ask for each statement: identical ones are duplicates, differing ones conflicts, the others are sent again."""
    missing = []
    for id_ in part.ids:
        there = receiver.ask(id_)
        if there is None:
            missing.append(id_)
        elif same_statement(orjson.loads(texts[id_]), there):
            fates[id_] = DUPLICATE
        else:
            fates[id_] = StatementResult(Outcome.FAILED, CONFLICT, answer)
    if len(missing) == len(part.ids):
        return _divide(part, answer, fates)
    return [_Part(missing, conflicting=True)] if missing else []


def _divide(part: _Part, answer: LrsResponse, fates: dict[str, StatementResult]) -> list[_Part]:
    conflicting = part.conflicting or answer.status == HTTPStatus.CONFLICT
    if len(part.ids) == 1:
        reason = INVALID if answer.taken else REASONS.get(answer.status, REFUSED)
        fates[part.ids[0]] = StatementResult(Outcome.FAILED, reason, answer)
        return []
    named = answer.suspects(part.ids)
    if not named:
        return part.halves(conflicting=conflicting)
    others = [id_ for id_ in part.ids if id_ not in set(named)]
    rest = _Part(others, conflicting, halve=True)
    return [
        *(_Part([id_], conflicting) for id_ in named),
        *(rest.halves(conflicting=conflicting) if part.halve else [rest]),
    ]
