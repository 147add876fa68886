"""xAPI statements with one random change each, from a seed: what a validator must tell from a valid statement."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: Values that are wrong in most places, and right in some.
VALUES: tuple[Any, ...] = (
    None, "", " ", "text", "word with spaces", 0, 1, -1, 2.5, True, [], {}, [{}], ["x"], "1", "true",
    "http://example.com/a", "http://example.com/a b", "no-scheme", "urn:isbn:1", "mailto:a@example.com",
    "a@example.com", "mailto:nobody", "2026-03-02T08:15:27+00:00", "2026-03-02T08:15:27.913562Z", "2026-03-02T08:15:27",
    "2026-03-02", "2026-13-02T08:15:27Z", "2026-03-02T08:15:27-00:00", "20260302T081527Z", "PT1M", "P1Y2M", "P", "PT",
    "P3W", "-PT1M", "562c73f0-e215-5c43-8abb-9f11a08aff81", "562c73f0-e215-5c43-0abb-9f11a08aff81",
    "{562c73f0-e215-5c43-8abb-9f11a08aff81}", "562c73f0e2155c438abb9f11a08aff81", "f" * 40, "f" * 12, "1.0.3", "1.0",
    "0.95", "2.0.0", "en", "en-US", "english-language", "x-y", "e", "de_DE", "Activity", "Agent", "Group", "activity",
    "GroupActivity", "SubStatement", "StatementRef", {"en": "name"}, {"e": "name"}, {"en": 1}, {"en": ""},
    {"http://example.com/x": 1}, {"x": 1}, {"http://example.com/x": None}, {"http://example.com/x y": 1},
    "choice", "likert", "essay", {"id": "http://example.com/a"}, [{"id": "http://example.com/a"}],
    [{"id": "a"}, {"id": "a"}], [{"id": "a"}, {"id": "b"}], {"mbox": "mailto:a@example.com"},
    {"objectType": "Group", "member": []}, {"objectType": "Group", "member": [{"mbox": "mailto:a@example.com"}]},
    {"objectType": "Agent", "openid": "http://example.com/a"}, {"mbox_sha1sum": "f" * 40},
    {"raw": 3, "min": 1, "max": 2},
    {"scaled": 0.5}, {"scaled": 1.5}, {"scaled": "0.5"}, {"raw": 0, "min": 1}, {"max": 0, "min": 1},
)  # fmt: skip
#: Properties that a statement can have somewhere.
NAMES = (
    "id", "objectType", "name", "description", "type", "moreInfo", "mbox", "mbox_sha1sum", "openid", "account",
    "member", "score", "success", "completion", "response", "duration", "extensions", "registration", "instructor",
    "team", "revision", "platform", "language", "statement", "interactionType", "choices", "scale", "source", "target",
    "steps", "correctResponsesPattern", "stored", "authority", "attachments", "display", "foo", "Verb",
)  # fmt: skip


def mutated(statements: Sequence[dict[str, Any]], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield statements with one change each."""
    choose = random.Random(seed)
    for _ in range(count):
        statement = copy.deepcopy(choose.choice(statements))
        change = choose.choice(CHANGES)
        change(statement, choose)
        yield statement


def _remove(statement: dict[str, Any], choose: random.Random) -> None:
    container, key = _any_place(statement, choose)
    del container[key]


def _replace(statement: dict[str, Any], choose: random.Random) -> None:
    container, key = _any_place(statement, choose)
    container[key] = copy.deepcopy(choose.choice(VALUES))


def _rename(statement: dict[str, Any], choose: random.Random) -> None:
    container, key = _any_place(statement, choose)
    if isinstance(key, str):
        container[choose.choice((key.upper(), key + " ", *NAMES))] = container.pop(key)


def _add(statement: dict[str, Any], choose: random.Random) -> None:
    places = [value for value in _objects(statement) if isinstance(value, dict)]
    choose.choice(places)[choose.choice(NAMES)] = copy.deepcopy(choose.choice(VALUES))


def _as_text(statement: dict[str, Any], choose: random.Random) -> None:
    container, key = _any_place(statement, choose)
    container[key] = str(container[key])


#: Most values are wrong in most places: the change that is the most likely to keep a statement valid comes thrice.
CHANGES: tuple[Callable[[dict[str, Any], random.Random], None], ...] = (
    _remove, _replace, _replace, _replace, _rename, _add, _add, _as_text
)  # fmt: skip


def _objects(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _objects(part)


def _any_place(statement: dict[str, Any], choose: random.Random) -> tuple[Any, Any]:
    places = [
        (container, key)
        for container in _objects(statement)
        for key in (container if isinstance(container, dict) else range(len(container)))
    ]
    return choose.choice(places)
