"""What an event says, looked up as event-routing-backends looks it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.events.subjects import MAX_DEPTH, TooDeep, first

if TYPE_CHECKING:
    from log_replay.records import Event, EventFields


#: What stands for a key that is not there.
MISSING = object()


class UnsupportedEvent(Exception):
    """An event of a shape for which the native functions do not answer: upstream decides what becomes of it."""


class UpstreamRejects(ValueError):
    """Upstream rejects such an event, for this reason.

    Only raised where upstream would not have stumbled over anything else before.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def look(fields: EventFields, section: str, key: str) -> Any:
    """Return what stands under ``section.key``; None where it is missing or empty (zero and False are not)."""
    holder = fields.get(section)
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if value or value == 0 else None


def look_required(fields: EventFields, section: str, key: str) -> Any:
    """Return what stands under ``section.key``, which upstream would not make a statement without."""
    holder = fields.get(section)
    value = holder.get(key) if isinstance(holder, dict) else None
    if value or value == 0:
        return value
    raise UnsupportedEvent


def look_text(fields: EventFields, section: str, key: str) -> str:
    """Return the text under ``section.key``, without which upstream would stumble."""
    holder = fields.get(section)
    value = holder.get(key) if isinstance(holder, dict) else None
    if value and isinstance(value, str):
        return value
    raise UnsupportedEvent


def find(fields: EventFields, key: str) -> Any:
    """Return what the first ``key`` says, at the top or else depth first; None where it is missing or empty."""
    value = fields.get(key)
    if value:
        return value
    if key not in fields:
        value = first(fields, key)
    return value if value or value == 0 else None


class Finder:
    """Finds many keys in one event: as ``find``, having looked only once where its dicts are.

    Half of what the functions for ``problem_check`` looked for is usually not there, and finding that out, dict by
    dict, took two thirds of their time. The dicts below the event's data are only looked for when the data itself, and
    what comes before it, do not have a key.
    """

    def __init__(self, fields: EventFields) -> None:
        self.fields = fields
        self._below: list[dict[str, Any]] = []
        self._all = True
        event: Any = fields.get("event")
        for value in fields.values():
            if type(value) is dict and value:
                if value is event:
                    self._below.append(event)
                    self._all = False
                    break
                _gather(value, self._below, 1)

    def find(self, key: str) -> Any:
        """Return what the first ``key`` says; see ``find``."""
        value = self.fields.get(key, MISSING)
        if value is MISSING:
            value = None
            for branch in self._below:
                if key in branch:
                    value = branch[key]
                    if value is None:
                        value = first(self.fields, key)  # it goes on behind a null, but not below it
                    break
            else:
                if not self._all:
                    self._gather_all()
                    return self.find(key)
        return value if value or value == 0 else None

    def _gather_all(self) -> None:
        self._below, self._all = [], True
        event, gathered = self.fields.get("event"), None
        for value in self.fields.values():
            # What most events have under "data" is what they have under "event": once looked through, it is the same.
            if type(value) is dict and value and value is not gathered:
                _gather(value, self._below, 1)
                gathered = value if value is event else gathered


def _gather(branch: dict[str, Any], into: list[dict[str, Any]], depth: int) -> None:
    """Gather a dict and those below it, in the order in which they are looked through."""
    if depth > MAX_DEPTH:
        raise TooDeep
    into.append(branch)
    for value in branch.values():
        if type(value) is dict and value:
            _gather(value, into, depth + 1)


def course_id_of(event: Event) -> str | None:
    """Return the id of the event's course, None where it names none."""
    course_id = event.course_id
    return text(course_id) if course_id or course_id == 0 else None


def required(value: Any) -> Any:
    """Return the value, which upstream would not make a statement without."""
    if value is None:
        raise UnsupportedEvent
    return value


def text(value: Any) -> str:
    """Return the value, which upstream would only take as a string, or stumble over."""
    if not isinstance(value, str):
        raise UnsupportedEvent
    return value


def acting_user(event: Event) -> Any:
    """Return the id or name of the user whom an event is about, None for nobody."""
    user = event.user
    if type(user) is int and user:
        return user
    # Upstream's own words for nobody do not tell these from None.
    if type(user) is str and user and user != "None":
        return user
    if user or user == 0:
        raise UnsupportedEvent
    return None
