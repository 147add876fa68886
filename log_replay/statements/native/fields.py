"""Read an event's fields as event-routing-backends reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.errors import RejectError
from log_replay.events.subjects import MAX_DEPTH, TooDeep, first
from log_replay.statements.releases import courses_are_cached

if TYPE_CHECKING:
    from log_replay.records import Event, EventFields


#: The value of a key that is not there.
MISSING = object()


class UnsupportedEvent(Exception):
    """The native code does not support the shape of this event: upstream's code transforms or rejects it."""


class UpstreamRejects(RejectError):
    """Upstream rejects the event for this reason, the type of its exception.

    Raise it only if upstream would find no other error before.
    """


def value_at(fields: EventFields, section: str, key: str) -> Any:
    """Return the value of ``section.key``, or None if it is missing or empty. Zero and False are not empty."""
    holder = fields.get(section)
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if value or value == 0 else None


def required_at(fields: EventFields, section: str, key: str) -> Any:
    """Return the value of ``section.key``, which upstream requires."""
    holder = fields.get(section)
    value = holder.get(key) if isinstance(holder, dict) else None
    if value or value == 0:
        return value
    raise UpstreamRejects("ValueError", f"{_in_the_log(section)}.{key} is missing")


def text_at(fields: EventFields, section: str, key: str) -> str:
    """Return the text of ``section.key``. For upstream, any other value is a ``TypeError``."""
    holder = fields.get(section)
    value = holder.get(key) if isinstance(holder, dict) else None
    if value and isinstance(value, str):
        return value
    raise UpstreamRejects("TypeError", f"{_in_the_log(section)}.{key} is missing or not a text")


def _in_the_log(section: str) -> str:
    """Return the name of a part of an event as a line of a log has it."""
    return "event" if section == "data" else section


def find(fields: EventFields, key: str) -> Any:
    """Return the first value of ``key``: at the top level, or else depth first. None if it is missing or empty."""
    value = fields.get(key)
    if value:
        return value
    if key not in fields:
        value = first(fields, key)
    return value if value or value == 0 else None


class Finder:
    """Finds the values of many keys in one event, with the results of ``find``.

    It lists the event's dicts once. Most keys that ``problem_check`` looks for are missing, and a new search of all
    dicts for each of them took two thirds of its time. The dicts inside the event's data are listed only if a key is
    missing in the data itself and in everything before it.
    """

    def __init__(self, fields: EventFields) -> None:
        self.fields = fields
        self._dicts: list[dict[str, Any]] = []
        self._has_all = True
        event: Any = fields.get("event")
        for value in fields.values():
            if type(value) is dict and value:
                if value is event:
                    self._dicts.append(event)
                    self._has_all = False
                    break
                _list_dicts(value, self._dicts, 1)

    def find(self, key: str) -> Any:
        """Return the first value of ``key``; see ``find``."""
        value = self.fields.get(key, MISSING)
        if value is MISSING:
            value = self._first_below(key)
        return value if value or value == 0 else None

    def _first_below(self, key: str) -> Any:
        """Return the first value of ``key`` below the top level, or None."""
        for dict_ in self._dicts:
            if key in dict_:
                value = dict_[key]
                # After a null, upstream's search continues, but not inside the dict with the null.
                return first(self.fields, key) if value is None else value
        if self._has_all:
            return None
        self._list_all()
        return self._first_below(key)

    def _list_all(self) -> None:
        self._dicts, self._has_all = [], True
        event, listed = self.fields.get("event"), None
        for value in self.fields.values():
            # In most events, "data" is the same dict as "event": list it once.
            if type(value) is dict and value and value is not listed:
                _list_dicts(value, self._dicts, 1)
                listed = value if value is event else listed


def _list_dicts(branch: dict[str, Any], dicts: list[dict[str, Any]], depth: int) -> None:
    """Append a dict and all dicts inside it, in the order of upstream's search."""
    if depth > MAX_DEPTH:
        raise TooDeep
    dicts.append(branch)
    for value in branch.values():
        if type(value) is dict and value:
            _list_dicts(value, dicts, depth + 1)


def course_id_of(event: Event) -> str | None:
    """Return the id of the event's course, or None if it has none.

    Raises:
        UpstreamRejects: the id is not a text.
    """
    course_id = event.course_id
    if not course_id and course_id != 0:
        return None
    if not isinstance(course_id, str):
        is_hashable = not isinstance(course_id, list | dict)
        reason = "AttributeError" if is_hashable or not courses_are_cached() else "TypeError"
        raise UpstreamRejects(reason, "context.course_id is not a text")
    return course_id


def with_session(event: Event) -> Event:
    """Return the event with its session at the top level, as event-routing-backends before 9.3.6 finds it.

    Raises:
        UnsupportedEvent: the session is an object: in another place, other values would be found in it.
    """
    fields = event.fields
    if fields.get("session"):
        return event
    session = find(fields, "session") or value_at(fields, "context", "session") or value_at(fields, "data", "session")
    if isinstance(session, dict):
        raise UnsupportedEvent
    return event._replace(fields=fields | {"session": session})


def required(value: Any, name: str) -> Any:
    """Return a value that upstream requires, with its name in a log. For upstream, None is a ``ValueError``."""
    if value is None:
        raise UpstreamRejects("ValueError", f"{name} is missing")
    return value


def text(value: Any) -> str:
    """Return a value that upstream accepts only as a text."""
    if not isinstance(value, str):
        raise UnsupportedEvent
    return value


def acting_user(event: Event) -> Any:
    """Return the id or name of the event's user, or None for an anonymous event."""
    user = event.user
    if type(user) is int and user:
        return user
    # In upstream's error message, the name "None" looks the same as no name.
    if type(user) is str and user and user != "None":
        return user
    if not user and user != 0:
        return None
    if type(user) in (list, dict):
        raise UpstreamRejects("TypeError", "the user is neither a name nor a number")
    if type(user) in (bool, float) and user:
        return user
    raise UnsupportedEvent
