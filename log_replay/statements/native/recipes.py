"""Recipes: what the C code needs to transform the line of an event without Python objects for its fields.

A recipe is a list of steps that write the statement's JSON from left to right. Some steps copy a value from the line.
The others use the same functions as without recipes: they call them with the values that they read, and cache the
results. Lines that a recipe does not support are transformed as without it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias, TypeVar

import orjson
from opaque_keys import InvalidKeyError

from log_replay import _speedups
from log_replay.events import parse_event
from log_replay.events.prefilter import is_plain
from log_replay.identities import UnknownIdentity, User
from log_replay.records import ALL_ROUTES, Event, Position, Rejected, TransformedEvent, new_event, new_transformed_event
from log_replay.statements import reject_detail, reject_reason
from log_replay.statements.native.fields import UnsupportedEvent, UpstreamRejects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from log_replay.identities.cache import IdentityCache
    from log_replay.records import Statement, Text

F = TypeVar("F", bound="Callable[..., Any]")

#: The reason of a reject, and what is wrong with the event in words.
Rejection: TypeAlias = tuple[str, str | None]
#: A step: its kind, and what it needs.
Step: TypeAlias = tuple[Any, ...]
#: The users, courses and statements of events, for the report of a dry run.
Noted: TypeAlias = list[tuple[Any, Any, tuple[Any, ...]]]


class LineStep(NamedTuple):
    """The kinds of steps, in the order of their numbers."""

    text: int = 0
    actor: int = 1
    time: int = 2
    milliseconds: int = 3
    id: int = 4
    session: int = 5
    string: int = 6
    seconds: int = 7
    duration: int = 8
    valid_duration: int = 9
    cached: int = 10
    missing: int = 11


class ProblemTexts(NamedTuple):
    """The constant parts of statements about problems.

    Attributes:
        attempted: the template of statements about attempts, as a browser reports them.
        evaluated: the template of statements about graded attempts and their questions.
        context: the step that writes the context of the statement about the problem.
        course: the step that writes the course, as the context of the statements about questions has it.
        score: the step that writes the score.
        page: the step that writes the usage key in the address of the page; nothing if it has none.
        block_prefix: the step that writes the course's part of usage keys.
        iri: the JSON of an activity up to the usage key in its id.
        definition: the JSON of a definition up to the type.
        attempts: the JSON before the number of attempts.
        interaction_types: xAPI's interaction types by response type.
        verb_in_ids: the text before the question in the names that the namespaces of questions are derived from.
        new_namespace: starts the SHA-1 digest of these namespaces.
        new_digest: starts the SHA-1 digest of a name that begins with its namespace.
        untyped: the step that writes the result's members for answers without a response type.
        no_id: the rejection of an event without the id of its problem.
        no_course: the rejection of an event with several questions and no course.
        no_question: the rejection of an answer without a question.
        no_text: the rejection of an answer whose question is not a text.
        no_answer: the rejection of a question without an answer.
        no_referer: the rejection of an event without the address of a page.
    """

    attempted: tuple[Any, ...]
    evaluated: tuple[Any, ...]
    context: Step
    course: Step
    score: Step
    page: Step
    block_prefix: Step
    iri: bytes
    definition: bytes
    attempts: bytes
    interaction_types: Mapping[str, bytes]
    verb_in_ids: bytes
    new_namespace: Callable[[], Any]
    new_digest: Callable[[], Any]
    untyped: Step
    no_id: Rejection
    no_course: Rejection
    no_question: Rejection
    no_text: Rejection
    no_answer: Rejection
    no_referer: Rejection


class LineRecipe(NamedTuple):
    """How to write the statement of the events with one name.

    Attributes:
        name: the name.
        new_digest: starts the SHA-1 digest of a statement's id.
        before_name_in_id: the text before the account name in the name that the id is derived from; None if it is
            derived from the JSON of the line, as for Caliper.
        after_name_in_id: the text between the account name and the time in that name.
        steps: the steps.
        problem: replaces the steps for ``problem_check``, which may give several statements.
        no_time: the rejection of an event without a time; None if its statements have no timestamp.
        no_zone: the rejection of an event whose time has no zone.
    """

    name: str
    new_digest: Callable[[], Any]
    before_name_in_id: bytes | None
    after_name_in_id: bytes | None
    steps: tuple[Step, ...]
    problem: ProblemTexts | None = None
    no_time: Rejection | None = None
    no_zone: Rejection | None = None


class LineRecipes(NamedTuple):
    """The recipes of a run.

    Attributes:
        by_name: the recipes by event name.
        users: the cached users.
        ranges: the cached external ids, by number of the range; None if there are no ranges.
        anonymous: the rejection of an event without a user.
        unknown_user: the rejection of an event whose user the LMS does not have.
        not_cached: stands for the rejection of an event whose user or course must be looked up first.
        transform: returns the statements of any event.
    """

    by_name: dict[str, LineRecipe]
    users: dict[Any, User | None]
    ranges: dict[int, bytes] | None
    anonymous: Rejection
    unknown_user: Rejection
    not_cached: Rejection
    transform: Callable[[Event], tuple[Statement, ...]]


for _layout in (LineStep, ProblemTexts, LineRecipe, LineRecipes, User, Rejected, TransformedEvent):
    _speedups.check_layout(_layout.__name__, _layout._fields)

KINDS = LineStep()
ACTOR: Step = (KINDS.actor,)
TIME: Step = (KINDS.time,)
MILLISECONDS: Step = (KINDS.milliseconds,)
ID: Step = (KINDS.id,)

#: The exceptions of native transforms for events that upstream rejects too, for the same reason.
REJECTIONS = (UnknownIdentity, UpstreamRejects, InvalidKeyError)
NOT_CACHED: Rejection = ("not_cached", None)

#: The numbers of an event's sections in paths.
SECTIONS = {"": 0, "context": 1, "data": 2}
#: The maximum number of cached results of one part of a statement.
CACHE_SIZE = 4096
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


def text(value: bytes) -> Step:
    """Return the step that writes a text."""
    return (KINDS.text, value)


def session(before: bytes, after: bytes) -> Step:
    """Return the step that writes the session between two texts, if the event has one."""
    return (KINDS.session, before, after)


def string(path: str) -> Step:
    """Return the step that writes the string at a path, without quotes."""
    return (KINDS.string, _encoded(path))


def seconds(
    path: str, other_path: str | None = None, *, before: bytes, after: bytes = b"", without: bytes | None = None
) -> Step:
    """Return the step that writes a number of seconds with three decimals between two texts.

    Args:
        path: where the number is.
        other_path: where it is if it is zero or missing there.
        before: the text before the number.
        after: the text after the number.
        without: the text if there is no number. None if upstream's code must transform the event.
    """
    return _number(KINDS.seconds, path, other_path, before, after, without)


def duration(
    path: str, other_path: str | None = None, *, before: bytes, after: bytes = b"", without: bytes | None = None
) -> Step:
    """Return the step that writes an ISO 8601 duration; otherwise like ``seconds``."""
    return _number(KINDS.duration, path, other_path, before, after, without)


def missing(path: str) -> Step:
    """Return the step that checks that there is no value at a path. It writes nothing."""
    return (KINDS.missing, _encoded(path))


def valid_duration(path: str) -> Step:
    """Return the step that checks that the value at a path is a duration or missing. It writes nothing."""
    return (KINDS.valid_duration, _encoded(path))


def cached(part: Callable[[Event], bytes | None], paths: Iterable[str]) -> Step:
    """Return the step that writes what a function returns for the values at some paths."""
    cache = CachedPart(part, tuple(paths))
    return (KINDS.cached, tuple(map(_encoded, cache.paths)), cache.results, cache.add)


def merged(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return steps in which no two texts follow each other."""
    result: list[Step] = []
    for step in steps:
        if step[0] == KINDS.text and result and result[-1][0] == KINDS.text:
            result[-1] = text(result[-1][1] + step[1])
        else:
            result.append(step)
    return tuple(result)


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
        fields = sections[""] | {"context": sections["context"], "data": data}
        if len(self.results) >= CACHE_SIZE:
            self.results.clear()
        event = new_event((NOWHERE, "", fields, b"", None, sections["context"].get("course_id")))
        try:
            result = self.results[key] = self._result(event)
        except CourseNotCached:
            return NOT_CACHED
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


def _value(value: bytes) -> Any:
    """Return the value in a line of a key."""
    text = b'"%b"' % value[1:] if value[:1] == STRING else value[1:]
    # orjson would convert integers of more than 64 bits to floats.
    return orjson.loads(text) if is_plain(text) else json.loads(text)


def transform_line(  # noqa: PLR0913, PLR0917 - the arguments of the C function
    recipes: LineRecipes, object_: str, text: Text, begin: int, end: int, start: int, noted: Noted | None
) -> TransformedEvent:
    """Transform the event in one line, as the C function of this name does for usual events.

    The C function returns rejects; it returns the user and course of an event if they must be looked up first.

    Args:
        recipes: the recipes of the run.
        object_: the name of the object.
        text: the text of a block.
        begin: where the line begins in the text.
        end: where it ends, without the line end.
        start: the offset of the text in the object.
        noted: gets the user, course and statements; may be None.

    Raises:
        Exception: the line is not an event, or is rejected.
    """
    event = parse_event(bytes(text[begin:end]), Position(object_, start + begin))
    statements = recipes.transform(event)
    if noted is not None:
        noted.append((event.user, event.course_id, statements))
    return new_transformed_event((event.position, event.name, statements, ALL_ROUTES))


def _number(  # noqa: PLR0913, PLR0917 - the parts of a step
    kind: int, path: str, other_path: str | None, before: bytes, after: bytes, without: bytes | None
) -> Step:
    return (kind, _encoded(path), other_path and _encoded(other_path), before, after, without)


def _encoded(path: str) -> bytes:
    section, _, name = path.rpartition(".")
    return bytes((SECTIONS[section],)) + name.encode()


def flat(parts: Iterable[Iterable[Step]]) -> tuple[Step, ...]:
    """Return the steps of several parts."""
    return merged(chain.from_iterable(parts))
