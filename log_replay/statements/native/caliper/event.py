"""Transforms that give one Caliper event in its envelope."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from log_replay.statements.native.caliper.envelope import EventType, build_envelope, json_of
from log_replay.statements.native.fields import UnsupportedEvent, acting_user, text
from log_replay.statements.native.parts import LONGEST_CACHED
from log_replay.statements.serialise import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields, Statement
    from log_replay.statements.native.platform import Platform

#: The size of the caches of videos, units and problems.
CACHED_BLOCKS = 4096

#: Transforms an event with one name into Caliper events.
CaliperTransform: TypeAlias = "Callable[[Event, Platform, Identities], tuple[Statement, ...]]"
# The parts are text, not bytes, since f-strings take half the time.
#: Returns the JSON of the object.
Object: TypeAlias = "Callable[[Event, Platform, Identities], str]"
#: Returns the JSON of a part of the Caliper event that depends on the event's fields only.
PartOfFields: TypeAlias = "Callable[[EventFields], str]"


class Course(NamedTuple):
    """The members of an object that name its course, each with a comma before it.

    Attributes:
        part_of: the member of the object's extensions.
        extensions: the object's extensions, if they have no other member.
    """

    part_of: str
    extensions: str


NO_COURSE = Course("", "")


class CaliperParts(NamedTuple):
    """The parts of the Caliper event that a transform gives; see ``caliper_event``."""

    event_type: EventType
    object: Object
    target: PartOfFields | None
    generated: PartOfFields | None
    extensions: PartOfFields | None


#: The parts of the Caliper events of each transform that ``caliper_event`` returned.
PARTS_OF: dict[CaliperTransform, CaliperParts] = {}


def caliper_event(  # noqa: PLR0913 - the parts of an event
    event_type: str,
    action: str,
    object_: Object,
    *,
    target: PartOfFields | None = None,
    generated: PartOfFields | None = None,
    extensions: PartOfFields | None = None,
) -> CaliperTransform:
    """Return the transform of an event that gives one Caliper event.

    Args:
        event_type: the type of the Caliper event.
        action: the action.
        object_: returns the object.
        target: returns the target, such as a position in the object.
        generated: returns the generated entity, such as a score.
        extensions: returns the extensions other than the transformer's version, as members of them.
    """
    caliper_type = EventType(event_type, action)

    def transform(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
        # In upstream's order: if several parts are invalid, the first one decides the reject reason.
        fields = event.fields
        external_id = identities.external_id(acting_user(event))
        object_text = object_(event, platform, identities)
        extensions_text = extensions(fields) if extensions else ""
        if target:
            object_text = f'{object_text},"target":{target(fields)}'
        if generated:
            object_text = f'{object_text},"generated":{generated(fields)}'
        return (build_envelope(caliper_type, platform, external_id, event, object_text, extensions_text),)

    PARTS_OF[transform] = CaliperParts(caliper_type, object_, target, generated, extensions)
    return transform


def course_members(course_id: Any, platform: Platform) -> Course:
    """Return the members that name the course with this id, or ``NO_COURSE`` for an empty id."""
    is_long = type(course_id) is str and len(course_id) > LONGEST_CACHED
    return (_members if is_long else _cached_members)(course_id, platform)


def may_be_cached(key: Any, course_id: Any) -> bool:
    """Return True if what is made of a block's key and a course's id may be cached."""
    # Other types are not cached: 1, 1.0 and True are the same key.
    return type(key) is str and type(course_id) is str and len(key) + len(course_id) <= LONGEST_CACHED


def _members(course_id: Any, platform: Platform) -> Course:
    if not course_id and course_id != 0:
        return NO_COURSE
    course = json_of({"id": platform.iri("course", text(course_id)), "type": "CourseOffering"})
    part_of = f'"isPartOf":{course}'
    return Course(f",{part_of}", f',"extensions":{{{part_of}}}')


_cached_members = lru_cache(maxsize=1024)(_members)


def member(name: str, value: Any) -> str:
    """Return a member with a comma before it, or nothing if the value is empty. Zero and False are not empty."""
    type_ = type(value)
    if type_ is int:
        return f',"{name}":{value}'
    if type_ is str:
        return f',"{name}":{quoted(value).decode()}' if value else ""
    if type_ is dict:  # upstream also removes empty values inside it
        raise UnsupportedEvent
    return f',"{name}":{json_of(value)}' if value or value == 0 else ""
