"""What the answers of LRSs and Caliper endpoints mean: xAPI's, and what Ralph and Learning Locker say beyond.

An answer may quote what learners wrote. Nothing of it is let through here but statuses, ids, and names of fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Answers that mean that nothing can be delivered there, and what to do about them.
LOST: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "check the route's credentials",
    HTTPStatus.FORBIDDEN: "the route's credentials may not write statements",
    HTTPStatus.NOT_FOUND: "check the route's URL: nothing takes statements there",
    HTTPStatus.METHOD_NOT_ALLOWED: "check the route's URL: nothing takes statements there",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "a proxy stands before it and wants credentials",
    HTTPStatus.GONE: "check the route's URL: nothing takes statements there any more",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "check the route's URL: it takes no JSON",
}
#: Answers that pass.
RETRIED = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})

CONFLICT, INVALID, TOO_LARGE, REFUSED = "conflict", "invalid", "too_large", "refused"
#: Why a statement alone is refused, by the status; any other one is ``REFUSED``.
REASONS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: INVALID,
    HTTPStatus.CONFLICT: CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY: INVALID,
}
MEANINGS: Mapping[str, str] = {
    INVALID: "statements that are not valid there",
    CONFLICT: "statements whose ids are there already with other content",
    TOO_LARGE: "statements that are too large for it; if these are few and small, use a smaller --batch_size",
    REFUSED: "statements that it does not take",
}

#: So much of an answer is kept for the dead letters of those who ask for it.
_KEPT_CHARACTERS = 2000
_UUID = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
#: As Learning Locker names a field: ``Problem in 'statements.1.actor'``.
_LOCKER_PATH = re.compile(r"'statements\.(\d+)(?:\.([\w.]+))?'")
#: What the name of a field looks like; the keys of extensions are others' business.
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_MOST_FIELDS = 8


@dataclass(frozen=True)
class LrsResponse:
    """An endpoint's answer to statements.

    Args:
        status: its status.
        body: what it says, as far as it was read.
        again: whether the statements may have been stored by an attempt that was not answered.
    """

    status: int
    body: bytes = b""
    again: bool = False

    @property
    def taken(self) -> bool:
        """Whether the endpoint says that it took something."""
        return self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def shown(self) -> str:
        """The status, with our own words for it: the server's could say anything."""
        return shown_status(self.status)

    @property
    def text(self) -> str:
        """What it says, for the eyes of those only who may see what learners wrote."""
        return self.body.decode(errors="replace")[:_KEPT_CHARACTERS]

    @cached_property
    def json(self) -> Any:
        """What it says as JSON; None if it is none."""
        try:
            return orjson.loads(self.body)
        except ValueError:
            return None

    @property
    def fields(self) -> list[str]:
        """The names of the fields that it objects to, as far as it says them in a way that is known."""
        names = dict.fromkeys(name for _, name in self._objections() if name)
        return list(names)[:_MOST_FIELDS]

    def suspects(self, ids: Sequence[str]) -> list[str]:
        """Return which of the statements the answer seems to be about; none if that is all or none of them.

        A hint only: what is right about it makes the search for those that are refused short.
        """
        mentioned = {found.decode().lower() for found in _UUID.findall(self.body)}
        places = {place for place, _ in self._objections()} | set(self.errors or ())
        named = [id_ for place, id_ in enumerate(ids) if place in places or id_.lower() in mentioned]
        return named if len(named) < len(ids) else []

    @property
    def stored(self) -> set[str] | None:
        """The ids that an LRS says it stored now; None if it says no such thing."""
        answer = self.json
        ids = answer.get("ids") if isinstance(answer, dict) else answer
        if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
            return set() if self.status == HTTPStatus.NO_CONTENT else None
        return {id_.lower() for id_ in ids}

    @property
    def errors(self) -> list[int] | None:
        """The places of the statements that Ralph did not store under partial success; None if it is not about that."""
        answer = self.json
        if not isinstance(answer, dict) or not {"inserted", "rejected", "ids"} <= answer.keys():
            return None
        errors = answer.get("errors")
        entries = errors if isinstance(errors, list) else []
        return [
            entry["index"] if isinstance(entry, dict) and type(entry.get("index")) is int else -1 for entry in entries
        ]

    def _objections(self) -> Iterator[tuple[int, str]]:
        """Yield place and field of each, as Ralph's and Learning Locker's answers have them."""
        answer = self.json
        if not isinstance(answer, dict):
            return
        detail = answer.get("detail")
        for entry in detail if isinstance(detail, list) else ():
            place = entry.get("loc") if isinstance(entry, dict) else None
            if isinstance(place, list) and len(place) > 1 and place[0] == "body" and type(place[1]) is int:
                yield place[1], _path(place[2:])
        warnings = answer.get("warnings")
        for warning in warnings if isinstance(warnings, list) else ():
            for index, path in _LOCKER_PATH.findall(warning) if isinstance(warning, str) else ():
                yield int(index), _path(path.split("."))


def shown_status(status: int) -> str:
    """Return a status as HTTP names it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _path(parts: Sequence[object]) -> str:
    """Join the names of fields up to the first that is none."""
    names: list[str] = []
    for part in parts:
        if not isinstance(part, str) or not _FIELD.fullmatch(part):
            break
        names.append(part)
    return ".".join(names)
