"""The meaning of responses of LRSs and Caliper endpoints: xAPI's rules, and the details of Ralph and Learning Locker.

A response may quote learners. Only its status, statement ids and field names leave this module.
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

#: Statuses that mean that the endpoint accepts no statements, each with a hint.
UNAVAILABLE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "check the route's credentials",
    HTTPStatus.FORBIDDEN: "the route's credentials may not write statements",
    HTTPStatus.NOT_FOUND: "check the route's URL: it does not accept statements",
    HTTPStatus.METHOD_NOT_ALLOWED: "check the route's URL: it does not accept statements",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "the proxy before it requires credentials",
    HTTPStatus.GONE: "check the route's URL: it no longer accepts statements",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "check the route's URL: it does not accept JSON",
}
#: Temporary, besides 5xx.
TEMPORARY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})

CONFLICT, INVALID, TOO_LARGE, REFUSED = "conflict", "invalid", "too_large", "refused"
UNCONFIRMED = "unconfirmed"
#: Why a single statement is refused, by status. The reason for any other status is ``REFUSED``.
REASONS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: INVALID,
    HTTPStatus.CONFLICT: CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY: INVALID,
}
MEANINGS: Mapping[str, str] = {
    INVALID: "statements that it finds invalid",
    CONFLICT: "statements whose ids it has stored with different content",
    TOO_LARGE: "statements that are too large for it; if they are small and few, use a smaller --batch_size",
    REFUSED: "statements that it refuses",
    UNCONFIRMED: "statements that its response does not name, and that it does not return either",
}

#: The part of a response that goes into the dead letters of a run with --rejects_with_content.
_KEPT_CHARACTERS = 2000
_UUID = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
#: The path of a field in a message of Learning Locker: ``Problem in 'statements.1.actor'``.
_LOCKER_PATH = re.compile(r"'statements\.(\d+)(?:\.([\w.]+))?'")
#: A field name that is safe to show. Keys of extensions can contain learner data.
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_MAX_FIELDS = 8


@dataclass(frozen=True)
class LrsResponse:
    """The response of an endpoint to a request with statements.

    Args:
        status: its status.
        body: its body, up to a limit.
        retried: an earlier attempt had no response and may have stored the statements.
    """

    status: int
    body: bytes = b""
    retried: bool = False

    @property
    def accepted(self) -> bool:
        """True if the status is a success."""
        return self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def confirms_all(self) -> bool:
        """True if all statements are stored: 204, Ralph's partial success without an error, or success of Caliper."""
        # A success of an LRS without a list of ids has been rejected before: see ``Endpoint``.
        return self.status == HTTPStatus.NO_CONTENT or self.errors == [] or (self.accepted and self.stored is None)

    @property
    def shown(self) -> str:
        """The status with its standard phrase: the server's own phrase can be any text."""
        return shown_status(self.status)

    @property
    def text(self) -> str:
        """The beginning of the body. It can contain learner data."""
        return self.body.decode(errors="replace")[:_KEPT_CHARACTERS]

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None if it is not JSON."""
        try:
            return orjson.loads(self.body)
        except ValueError:
            return None

    @property
    def fields(self) -> list[str]:
        """The fields that the response reports as invalid, if it has a known format."""
        names = dict.fromkeys(name for _, name in self._objections() if name)
        return list(names)[:_MAX_FIELDS]

    def named_statements(self, ids: Sequence[str]) -> list[str]:
        """Return the statements that the response names as refused; an empty list if it names all or none of them.

        The result may be wrong. If it is right, fewer requests are needed to find the refused statements.
        """
        mentioned = {found.decode().lower() for found in _UUID.findall(self.body)}
        indexes = {index for index, _ in self._objections()} | set(self.errors or ())
        named = [id_ for index, id_ in enumerate(ids) if index in indexes or id_.lower() in mentioned]
        return named if len(named) < len(ids) else []

    @property
    def stored(self) -> set[str] | None:
        """The ids that the response lists as stored; None if it is not the response of an LRS."""
        content = self.json
        ids = content.get("ids") if isinstance(content, dict) else content
        if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
            return set() if self.status == HTTPStatus.NO_CONTENT else None
        return {id_.lower() for id_ in ids}

    @property
    def errors(self) -> list[int] | None:
        """The indexes of the statements that Ralph refused under partial success; None without partial success."""
        content = self.json
        if not isinstance(content, dict) or not {"inserted", "rejected", "ids"} <= content.keys():
            return None
        errors = content.get("errors")
        entries = errors if isinstance(errors, list) else []
        return [
            entry["index"] if isinstance(entry, dict) and type(entry.get("index")) is int else -1 for entry in entries
        ]

    def _objections(self) -> Iterator[tuple[int, str]]:
        """Yield the index of a refused statement and its invalid field, from responses of Ralph and Learning Locker."""
        content = self.json
        if not isinstance(content, dict):
            return
        detail = content.get("detail")
        for entry in detail if isinstance(detail, list) else ():
            path = entry.get("loc") if isinstance(entry, dict) else None
            if isinstance(path, list) and len(path) > 1 and path[0] == "body" and type(path[1]) is int:
                yield path[1], _field_path(path[2:])
        warnings = content.get("warnings")
        for warning in warnings if isinstance(warnings, list) else ():
            for index, field_path in _LOCKER_PATH.findall(warning) if isinstance(warning, str) else ():
                yield int(index), _field_path(field_path.split("."))


def shown_status(status: int) -> str:
    """Return a status with its standard phrase."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _field_path(parts: Sequence[object]) -> str:
    """Join field names with dots, up to the first part that is not a field name."""
    names: list[str] = []
    for part in parts:
        if not isinstance(part, str) or not _FIELD.fullmatch(part):
            break
        names.append(part)
    return ".".join(names)
