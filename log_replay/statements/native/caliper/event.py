"""A Caliper event in its envelope, made of functions that make its parts."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from log_replay.statements.native.caliper.envelope import EventType, build_envelope, json_of
from log_replay.statements.native.fields import UnsupportedEvent, acting_user, text
from log_replay.statements.serialise import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields, Statement
    from log_replay.statements.native.platform import Platform

#: Videos, units and problems kept at most, of each kind.
BLOCKS = 4096

# The JSON of parts is text, not bytes: what is put together of them in one go takes half the time.
CaliperTransform: TypeAlias = "Callable[[Event, Platform, Identities], tuple[Statement, ...]]"
#: Makes the JSON of what something was done to.
Object: TypeAlias = "Callable[[Event, Platform, Identities], str]"
#: Makes JSON of what an event says.
Part: TypeAlias = "Callable[[EventFields], str]"


class Course(NamedTuple):
    """How what belongs to a course says so, each as a member after its comma.

    Attributes:
        part_of: among other extensions.
        extensions: as its only extension.
    """

    part_of: str
    extensions: str


NOWHERE = Course("", "")


def caliper_event(  # noqa: PLR0913 - what an event consists of
    event_type: str,
    action: str,
    object_: Object,
    *,
    target: Part | None = None,
    generated: Part | None = None,
    extensions: Part | None = None,
) -> CaliperTransform:
    """Return the function that makes a Caliper event in its envelope.

    Args:
        event_type: the type of the Caliper event.
        action: what was done.
        object_: makes what it was done to.
        target: makes the place in the object where it was done.
        generated: makes what came of it.
        extensions: makes what the extensions hold beside the transformer's version, as members of them.
    """
    caliper_type = EventType(event_type, action)

    def make(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
        # In upstream's order: when several parts cannot be made, the first one names the reject's reason.
        fields = event.fields
        learner = identities.external_id(acting_user(event))
        about = object_(event, platform, identities)
        more = extensions(fields) if extensions else ""
        if target:
            about = f'{about},"target":{target(fields)}'
        if generated:
            about = f'{about},"generated":{generated(fields)}'
        return (build_envelope(caliper_type, platform, learner, event, about, more),)

    return make


@lru_cache(maxsize=1024)
def course_named(course_id: Any, platform: Platform) -> Course:
    """Return the course with the id that an event names, ``NOWHERE`` where it names none."""
    if not course_id and course_id != 0:
        return NOWHERE
    named = json_of({"id": platform.iri("course", text(course_id)), "type": "CourseOffering"})
    part_of = f'"isPartOf":{named}'
    return Course(f",{part_of}", f',"extensions":{{{part_of}}}')


def member(name: str, value: Any) -> str:
    """Return a member of an object, after its comma, or nothing if the value is empty; zero and False are not."""
    kind = type(value)
    if kind is int:
        return f',"{name}":{value}'
    if kind is str:
        return f',"{name}":{quoted(value).decode()}' if value else ""
    if kind is dict:  # upstream would take what is empty out of it as well
        raise UnsupportedEvent
    return f',"{name}":{json_of(value)}' if value or value == 0 else ""
