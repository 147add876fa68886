"""Build the envelope of a Caliper event from the JSON of its parts."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from log_replay import _speedups
from log_replay.records import Statement, new_statement
from log_replay.statements.identifiers import CALIPER_EVENTS
from log_replay.statements.native.fields import find, required
from log_replay.statements.native.times import caliper_time
from log_replay.statements.serialise import json_text, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform

CONTEXT = "http://purl.imsglobal.org/ctx/caliper/v1p2"


class EventType(NamedTuple):
    """The type of a Caliper event, and its action."""

    type: str
    action: str


class CaliperTemplate(NamedTuple):
    """The constant parts of all envelopes with the same event type on one platform.

    Attributes:
        new_digest: starts the SHA-1 digest of an event's id.
        before_send_time: the JSON before the time of sending.
        before_event_time: the JSON between the time of sending and the event's time.
        before_actor: the JSON between the event's time and the actor's external id.
        after_actor: the JSON after the actor's external id.
        before_session: the JSON before the session; used only if there is a session.
        after_session: the JSON after the session; used only if there is a session.
        before_extensions: the JSON before the extensions other than the transformer's version.
        after_id: the JSON after the event's id.
    """

    new_digest: Callable[[], Any]
    before_send_time: bytes
    before_event_time: bytes
    before_actor: bytes
    after_actor: bytes
    before_session: bytes
    after_session: bytes
    before_extensions: bytes
    after_id: bytes


_speedups.check_layout("CaliperTemplate", CaliperTemplate._fields)


def build_envelope(  # noqa: PLR0913, PLR0917 - the parts of an envelope
    event_type: EventType, platform: Platform, external_id: str, event: Event, object_: str, extensions: str
) -> Statement:
    """Build an envelope, in C if the extension is built and supports the event.

    Args:
        event_type: the type and the action of the Caliper event.
        platform: the platform of the event.
        external_id: the actor's external id.
        event: the event, for the time, the session and the id.
        object_: the object, and the members after it.
        extensions: the extensions other than the transformer's version, as members of them.
    """
    template = template_of(event_type, platform)
    if _speedups.caliper_statement:
        built: Statement | None = _speedups.caliper_statement(
            template, Statement, event.json_text, event.fields, external_id, extensions, object_
        )
        if built:
            return built
    return caliper_statement(template, event.json_text, event.fields, external_id, extensions, object_)


def caliper_statement(  # noqa: PLR0913, PLR0917 - the parts of an envelope
    template: CaliperTemplate, line: bytes, fields: EventFields, external_id: str, extensions: str, object_: str
) -> Statement:
    """Build an envelope with any actor, time and session. The C function of this name takes half of the time.

    Args:
        template: the constant parts of the envelope.
        line: the JSON of the event, which the id is derived from.
        fields: the event's fields, for the time and the session.
        external_id: the actor's external id.
        extensions: as in ``build_envelope``.
        object_: as in ``build_envelope``.
    """
    timestamp = timestamp_of(fields)
    time = timestamp.encode()
    session = fields.get("session") or find(fields, "session")
    session_parts = (template.before_session, _escaped(session), template.after_session) if session else ()
    id_ = CALIPER_EVENTS.uuid(line)  # a replay of the same line gives the same id
    text = b"".join(
        (
            template.before_send_time,
            time,
            template.before_event_time,
            time,
            template.before_actor,
            _escaped(external_id),
            template.after_actor,
            *session_parts,
            template.before_extensions,
            extensions.encode(),
            b'},"object":',
            object_.encode(),
            b',"id":"',
            id_.encode(),
            template.after_id,
        )
    )
    return new_statement((id_, timestamp, text))


def timestamp_of(fields: EventFields) -> str:
    """Return the event's timestamp as envelopes write it.

    Raises:
        UpstreamRejects: the event has no timestamp, or one without a zone.
    """
    return caliper_time(required(find(fields, "timestamp"), "time"))


def check_reject(fields: EventFields, _platform: Platform) -> None:
    """Check the timestamp, which upstream reads before all other fields. If it is invalid, that is the reject reason.

    Raises:
        UpstreamRejects: the event has no timestamp, or one without a zone.
    """
    timestamp_of(fields)


def person(external_id: str, platform: Platform) -> str:
    """Return the JSON of a learner."""
    return f'{{"id":{json_of_text(platform.iri("user", external_id))},"type":"Person"}}'


def json_of(value: Any) -> str:
    """Return the JSON of a value."""
    return json_text(value).decode()


def json_of_text(text: str) -> str:
    """Return the JSON of a text, in half the time of ``json_of``."""
    try:
        return quoted(text).decode()
    except TypeError:  # a lone surrogate
        return json_of(text)


def _escaped(name: object) -> bytes:
    """Return a name as JSON writes it inside a string."""
    return json_text(str(name))[1:-1]


@lru_cache(maxsize=1024)
def template_of(event_type: EventType, platform: Platform) -> CaliperTemplate:
    """Return the template of envelopes with an event type."""
    before_id, after_id = _around_empty_id(person("", platform))
    session = json_of({"id": platform.iri("sessions", ""), "type": "Session"})
    before_session, after_session = _around_empty_id(session)
    sensor, version = json_of(platform.sensor_id), json_of(platform.transformer_version)
    type_and_action = f'"type":"{event_type.type}","action":"{event_type.action}"'
    return CaliperTemplate(
        new_digest=CALIPER_EVENTS.new_digest,
        before_send_time=f'{{"sensor":{sensor},"sendTime":"'.encode(),
        before_event_time=f'","data":[{{"@context":"{CONTEXT}","eventTime":"'.encode(),
        before_actor=f'",{type_and_action},"actor":{before_id}'.encode(),
        after_actor=after_id.encode(),
        before_session=f',"session":{before_session}'.encode(),
        after_session=after_session.encode(),
        before_extensions=f',"extensions":{{"transformerVersion":{version}'.encode(),
        after_id=f'"}}],"dataVersion":"{CONTEXT}"}}'.encode(),
    )


def _around_empty_id(entity: str) -> tuple[str, str]:
    """Return the JSON before and after the place of the id, in an entity whose IRI ends with an empty id."""
    before, after = entity.split('/"', maxsplit=1)
    return f"{before}/", f'"{after}'
