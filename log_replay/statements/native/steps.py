"""The steps of recipes: each writes a part of a statement's JSON. C code runs them; see ``_speedups/steps.c``."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from log_replay import _speedups
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A step: its kind, and what it needs.
Step: TypeAlias = tuple[Any, ...]


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
    optional: int = 12
    without: int = 13
    members: int = 14
    number: int = 15
    present: int = 16
    either: int = 17
    equal: int = 18


_speedups.check_layout("LineStep", LineStep._fields)

KINDS = LineStep()
ACTOR: Step = (KINDS.actor,)
TIME: Step = (KINDS.time,)
MILLISECONDS: Step = (KINDS.milliseconds,)
ID: Step = (KINDS.id,)

#: The numbers of an event's sections in paths. ``event`` is the data, unless that is JSON in a string; ``any`` is the
#: first place with the key.
SECTIONS = {"": 0, "context": 1, "data": 2, "data.discussion": 3, "event": 4, "any": 5}


def begin_object(iri: str) -> Step:
    """Return the step that begins an object whose id begins with an IRI, such as ``{"id":"https://lms/xblock/``."""
    return text(b'{"id":%b' % json_text(iri)[:-1])


def text(value: bytes) -> Step:
    """Return the step that writes a text."""
    return (KINDS.text, value)


def session(before: bytes, after: bytes) -> Step:
    """Return the step that writes the session between two texts, if the event has one."""
    return (KINDS.session, before, after)


def string(path: str) -> Step:
    """Return the step that writes the string at a path, without quotes."""
    return (KINDS.string, encoded(path))


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
    return (KINDS.missing, encoded(path))


def optional(path: str, *, before: bytes, after: bytes, without: bytes = b"") -> Step:
    """Return the step that writes the string at a path between two texts, or another text if there is none."""
    return (KINDS.optional, encoded(path), before, after, without)


def without(path: str, other_path: str) -> Step:
    """Return the step that writes the string at a path, without that at another path and slashes at its end."""
    return (KINDS.without, encoded(path), encoded(other_path))


def members(paths: Mapping[str, str]) -> Step:
    """Return the step that writes members of an object: strings and numbers, by path and name."""
    return (KINDS.members, tuple((encoded(path), b'"%b":' % name.encode()) for path, name in paths.items()))


def number(path: str) -> Step:
    """Return the step that writes the number at a path."""
    return (KINDS.number, encoded(path))


def present(path: str) -> Step:
    """Return the step that checks that there is a string at a path. It writes nothing."""
    return (KINDS.present, encoded(path))


def equal(path: str, value: bytes) -> Step:
    """Return the step that checks that the string at a path is a text. It writes nothing."""
    return (KINDS.equal, encoded(path), value)


def either(steps: Iterable[Step], others: Iterable[Step]) -> Step:
    """Return the step that runs steps or, for an event that they do not support, the others."""
    return (KINDS.either, merged(steps), merged(others))


def valid_duration(path: str) -> Step:
    """Return the step that checks that the value at a path is a duration or missing. It writes nothing."""
    return (KINDS.valid_duration, encoded(path))


def merged(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return steps in which no two texts follow each other."""
    result: list[Step] = []
    for step in steps:
        if step[0] == KINDS.text and result and result[-1][0] == KINDS.text:
            result[-1] = text(result[-1][1] + step[1])
        else:
            result.append(step)
    return tuple(result)


def _number(  # noqa: PLR0913, PLR0917 - the parts of a step
    kind: int, path: str, other_path: str | None, before: bytes, after: bytes, without: bytes | None
) -> Step:
    return (kind, encoded(path), other_path and encoded(other_path), before, after, without)


def encoded(path: str) -> bytes:
    """Return a path as steps have it: the number of the section, and the key."""
    section, _, name = path.rpartition(".")
    return bytes((SECTIONS[section],)) + name.encode()


def flat(parts: Iterable[Iterable[Step]]) -> tuple[Step, ...]:
    """Return the steps of several parts."""
    return merged(chain.from_iterable(parts))
