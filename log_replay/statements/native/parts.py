"""Parts of statements that recipes cache: what a Python function returns, by the values that it reads."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar

import orjson
from opaque_keys import InvalidKeyError

from log_replay.events.prefilter import is_plain
from log_replay.identities import UnknownIdentity
from log_replay.records import Event, Position, new_event
from log_replay.statements import reject_detail, reject_reason
from log_replay.statements.native.fields import UnsupportedEvent, UpstreamRejects
from log_replay.statements.native.steps import KINDS, Step, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from log_replay.identities.cache import IdentityCache

F = TypeVar("F", bound="Callable[..., Any]")

#: The reason of a reject, and what is wrong with the event in words.
Rejection: TypeAlias = tuple[str, str | None]

#: The exceptions of native transforms for events that upstream rejects too, for the same reason.
REJECTIONS = (UnknownIdentity, UpstreamRejects, InvalidKeyError)
NOT_CACHED: Rejection = ("not_cached", None)

#: The maximum number of cached results of one part of a statement.
CACHE_SIZE = 4096
#: What is made of longer ids is not cached: ids of thousands of characters would fill the memory.
LONGEST_CACHED = 1000
#: The types of a value in a key: missing, a string (see ``json_tree.h``), and in data that is a text and not JSON.
MISSING, STRING, IN_FORM = b"-", b"4", b"f"
NOWHERE = Position("", 0)

#: The paths that a part of statements reads, such as ``data.id``. It may read nothing else of an event.
_reads: dict[Callable[..., Any], tuple[str, ...]] = {}


def reads(*paths: str) -> Callable[[F], F]:
    """Return a decorator that declares what a part of statements reads, so that recipes can have it."""

    def declare(part: F) -> F:
        _reads[part] = paths
        return part

    return declare


def paths_of(part: Callable[..., Any]) -> tuple[str, ...] | None:
    """Return the paths that a part reads; None if that is not declared."""
    return _reads.get(part)


def cached(part: Callable[[Event], bytes | None], paths: Iterable[str]) -> Step:
    """Return the step that writes what a function returns for the values at some paths."""
    cache = CachedPart(part, tuple(paths))
    return (KINDS.cached, tuple(map(encoded, cache.paths)), cache.results, cache.add)


class Form(str):
    """The data of a form: a text that is not JSON. A part that reads the text has no result."""

    __slots__ = ()

    def split(self, *_: Any, **__: Any) -> NoReturn:
        """Raise ``UnsupportedEvent``."""
        raise UnsupportedEvent


class CourseNotCached(Exception):
    """A course must be looked up, with the others of its block."""


class CachedCourses:
    """The identities that recipes may use: cached courses only."""

    def __init__(self, identities: IdentityCache) -> None:
        self._identities = identities

    def course_name(self, course_id: Any) -> str | None:
        """Return the course's display name; see ``Identities``.

        Raises:
            CourseNotCached: the course must be looked up first.
        """
        if not self._identities.has_course(course_id):
            raise CourseNotCached
        return self._identities.course_name(course_id)


class CachedPart:
    """The results of a part of statements, by the JSON of the values that it reads.

    Args:
        part: returns the part of an event that has these values only.
        paths: the paths of the values.

    Attributes:
        results: the results: JSON, the rejection of the event, or None if Python must transform it.
    """

    def __init__(self, part: Callable[[Event], bytes | None], paths: tuple[str, ...]) -> None:
        self.paths = paths
        self.results: dict[bytes, bytes | Rejection | None] = {}
        self._part = part

    def add(self, key: bytes) -> bytes | Rejection | None:
        """Return the result for a key, and keep it. The key has a line for each value: its type, and its JSON."""
        values = key.split(b"\n")[:-1]
        if len(values) != len(self.paths):  # JSON with white space
            return None
        sections: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for path, value in zip(self.paths, values, strict=True):
            section, _, name = path.rpartition(".")
            if value not in (MISSING, IN_FORM):
                try:
                    sections[section][name] = _value(value)
                except ValueError:  # a lone surrogate, or a number out of range
                    return None
        # Events with empty data have no recipe.
        data: Any = Form("form") if IN_FORM in values else {"": None} | sections["data"]
        # The first value of a key in the whole event is the first one at the top level, too.
        fields = sections["any"] | sections[""]
        fields |= {"context": sections["context"], "data": data, "event": sections["event"]}
        if len(self.results) >= CACHE_SIZE:
            self.results.clear()
        event = new_event((NOWHERE, "", fields, b"", None, sections["context"].get("course_id")))
        try:
            result = self._result(event)
        except CourseNotCached:
            return NOT_CACHED
        if len(key) <= LONGEST_CACHED:
            self.results[key] = result
        return result

    def _result(self, event: Event) -> bytes | Rejection | None:
        try:
            return self._part(event)
        except REJECTIONS as error:
            return reject_reason(error), reject_detail(error)
        except CourseNotCached:
            raise
        except Exception:  # noqa: BLE001 - Python transforms or rejects the event
            return None


class CachedParts:
    """The cached parts of a run's statements. Recipes with the same part share its results."""

    def __init__(self) -> None:
        self._steps: dict[Callable[..., Any], Step] = {}

    def step(self, part: Callable[..., Any], call: Callable[[Event], bytes | None], paths: Iterable[str]) -> Step:
        """Return the step that writes a part: what ``call`` returns for the values at some paths."""
        if part not in self._steps:
            self._steps[part] = cached(call, paths)
        return self._steps[part]


def _value(value: bytes) -> Any:
    """Return the value in a line of a key."""
    text = b'"%b"' % value[1:] if value[:1] == STRING else value[1:]
    # orjson would convert integers of more than 64 bits to floats.
    return orjson.loads(text) if is_plain(text) else json.loads(text)
