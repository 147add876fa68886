"""A Caliper event, put together from its parts, in its envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.statements.identifiers import caliper_event_id
from log_replay.statements.native.reading import Unusual, acting_user, find, look, required, text
from log_replay.statements.native.times import caliper_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.lms import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform

Json = dict[str, Any]
CaliperMaker: TypeAlias = "Callable[[Event, Platform, Identities], Json]"
Object: TypeAlias = "Callable[[EventFields, Platform, Identities], Json]"
Part: TypeAlias = "Callable[[EventFields], Json]"

CONTEXT = "http://purl.imsglobal.org/ctx/caliper/v1p2"


def caliper_event(
    event_type: str, action: str, object_: Object, *, target: Part | None = None, extensions: Part | None = None
) -> CaliperMaker:
    """Return the function that makes a Caliper event, but for its id.

    Args:
        event_type: the type of the Caliper event.
        action: what was done.
        object_: makes what it was done to.
        target: makes the place in the object where it was done.
        extensions: makes what the extensions hold beside the transformer's version.
    """

    def make(event: Event, platform: Platform, identities: Identities) -> Json:
        fields = event.fields
        made = opening(event_type, action, event, platform, identities)
        made["object"] = object_(fields, platform, identities)
        if extensions:
            made["extensions"].update(extensions(fields))
        if target:
            made["target"] = target(fields)
        return made

    return make


def opening(event_type: str, action: str, event: Event, platform: Platform, identities: Identities) -> Json:
    """Return who did what when.

    Raises:
        UnknownIdentity: the platform does not know who it was.
    """
    made = {
        "@context": CONTEXT,
        "eventTime": caliper_time(required(find(event.fields, "timestamp"))),
        "type": event_type,
        "action": action,
        "actor": person(identities.external_id(acting_user(event)), platform),
        "extensions": {"transformerVersion": platform.transformer_version},
    }
    session = find(event.fields, "session")
    if session:
        made["session"] = {"id": platform.iri("sessions", session), "type": "Session"}
    return made


def enveloped(made: Json, json_text: bytes, platform: Platform) -> Json:
    """Return the envelope around an event, to which it gives its id. A replay makes the same one again."""
    made["id"] = caliper_event_id(json_text)
    return {"sensor": platform.sensor_id, "sendTime": made["eventTime"], "data": [made], "dataVersion": CONTEXT}


def person(external_id: str, platform: Platform) -> Json:
    """Return the learner."""
    return {"id": platform.iri("user", external_id), "type": "Person"}


def part_of_course(fields: EventFields, platform: Platform) -> Json:
    """Return the extension that names the course, if the event does."""
    course_id = look(fields, "context", "course_id")
    if course_id is None:
        return {}
    return {"isPartOf": {"id": platform.iri("course", text(course_id)), "type": "CourseOffering"}}


def present(values: Json) -> Json:
    """Return the values that are not empty; zero and False are not."""
    for value in values.values():
        if isinstance(value, dict):  # upstream would take what is empty out of it as well
            raise Unusual
    return {name: value for name, value in values.items() if value or value == 0}
