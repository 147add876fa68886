"""A Caliper event, put together from its parts, in its envelope."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.records import Statement, new_statement
from log_replay.statements.identifiers import caliper_event_id
from log_replay.statements.native.reading import Unusual, acting_user, course_id_of, find, required
from log_replay.statements.native.times import caliper_time
from log_replay.statements.serialise import constant_text, json_text, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.lms import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform

#: Learners kept at most.
CACHE_SIZE = 10_000

Json = dict[str, Any]
CaliperMaker: TypeAlias = "Callable[[Event, Platform, Identities], tuple[Statement, ...]]"
Object: TypeAlias = "Callable[[Event, Platform, Identities], Json]"
Part: TypeAlias = "Callable[[EventFields], Json]"

CONTEXT = b"http://purl.imsglobal.org/ctx/caliper/v1p2"
ENVELOPE = b'{"sensor":%b,"sendTime":"%b","data":[%b,"id":"%b"}],"dataVersion":"' + CONTEXT + b'"}'
OPENING = b'{"@context":"' + CONTEXT + b'","eventTime":"%b",%b,"actor":%b%b,"extensions":{"transformerVersion":%b'


def caliper_event(
    event_type: str, action: str, object_: Object, *, target: Part | None = None, extensions: Part | None = None
) -> CaliperMaker:
    """Return the function that makes a Caliper event in its envelope.

    Args:
        event_type: the type of the Caliper event.
        action: what was done.
        object_: makes what it was done to.
        target: makes the place in the object where it was done.
        extensions: makes what the extensions hold beside the transformer's version.
    """
    what = deed(event_type, action)

    def make(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
        fields = event.fields
        time, begun = opening(what, event, platform, identities)
        about = json_text(object_(event, platform, identities))
        further = extensions(fields) if extensions else None
        more = b"," + json_text(further)[1:-1] if further else b""
        place = b',"target":%b' % json_text(target(fields)) if target else b""
        return (enveloped(time, b'%b%b},"object":%b%b' % (begun, more, about, place), event, platform),)

    return make


def deed(event_type: str, action: str) -> bytes:
    """Return what was done, as members of the event."""
    return b'"type":"%b","action":"%b"' % (event_type.encode(), action.encode())


def opening(what: bytes, event: Event, platform: Platform, identities: Identities) -> tuple[str, bytes]:
    """Return an event's time, and its text up to its extensions: who did what when.

    Raises:
        UnknownIdentity: the platform does not know who it was.
    """
    fields = event.fields
    time = caliper_time(required(find(fields, "timestamp")))
    who = _person_text(identities.external_id(acting_user(event)), platform.root_url)
    session = find(fields, "session")
    where = b',"session":{"id":%b,"type":"Session"}' % quoted(platform.iri("sessions", session)) if session else b""
    return time, OPENING % (time.encode(), what, who, where, constant_text(platform.transformer_version))


def enveloped(time: str, text: bytes, event: Event, platform: Platform) -> Statement:
    """Return an event whose text lacks only its end in its envelope, with its id. A replay makes the same one again."""
    id_, moment = caliper_event_id(event.json_text), time.encode()
    sensor = constant_text(platform.sensor_id)
    return new_statement((id_, time, ENVELOPE % (sensor, moment, text, id_.encode())))


def person(external_id: str, root_url: str) -> Json:
    """Return the learner."""
    return {"id": f"{root_url}/user/{external_id}", "type": "Person"}


@lru_cache(maxsize=CACHE_SIZE)
def _person_text(external_id: str, root_url: str) -> bytes:
    return json_text(person(external_id, root_url))


def part_of_course(event: Event, platform: Platform) -> Json:
    """Return the extension that names the course, if the event does."""
    course_id = course_id_of(event)
    if course_id is None:
        return {}
    return {"isPartOf": {"id": platform.iri("course", course_id), "type": "CourseOffering"}}


def present(values: Json) -> Json:
    """Return the values that are not empty; zero and False are not."""
    for value in values.values():
        if isinstance(value, dict):  # upstream would take what is empty out of it as well
            raise Unusual
    return {name: value for name, value in values.items() if value or value == 0}
