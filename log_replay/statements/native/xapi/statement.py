"""An xAPI statement, put together from the JSON of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.records import Statement, new_statement
from log_replay.statements.native.reading import find
from log_replay.statements.native.times import xapi_timestamp
from log_replay.statements.native.xapi import contexts
from log_replay.statements.native.xapi.actors import actor
from log_replay.statements.native.xapi.contexts import SESSION
from log_replay.statements.serialise import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.lms import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.verbs import Verb

#: Makes the statements of one event name's events.
XapiMaker: TypeAlias = "Callable[[Event, Platform, Identities], tuple[Statement, ...]]"
#: Makes the JSON of a part of a statement.
Part: TypeAlias = "Callable[[Event, Platform, Identities], bytes]"
Circumstances: TypeAlias = "Callable[[EventFields], bytes]"
Result: TypeAlias = "Callable[[EventFields], bytes]"


def statement(
    verb: Verb,
    object_: Part,
    *,
    activities: Part = contexts.in_course,
    circumstances: Circumstances | None = None,
    result: Result | None = None,
) -> XapiMaker:
    """Return the function that makes the one statement of an event.

    Args:
        verb: what was done.
        object_: makes what it was done to.
        activities: makes the activities that it was part of, as a member of the context.
        circumstances: makes what the context's extensions hold beside the session, as members of them.
        result: makes what came of it.
    """
    uuid, deed = verb.namespace.uuid, verb.json

    def make(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
        # In upstream's order: when several parts cannot be made, the first one names the reject's reason.
        fields = event.fields
        who, id_prefix = actor(event, platform, identities)
        when = fields.get("timestamp") or moment(fields)
        timestamp = xapi_timestamp(when)
        id_ = uuid(id_prefix + when.encode())
        further = circumstances(fields) if circumstances else b""
        around = activities(event, platform, identities)
        about = object_(event, platform, identities)
        outcome = result(fields) if result else b""
        return (finished(id_, who, deed, timestamp, platform, fields, further, around, about, outcome),)

    return make


def moment(fields: EventFields) -> Any:
    """Return when it happened, as the event spells it."""
    return find(fields, "timestamp") or find(fields, "time")


def finished(  # noqa: PLR0913, PLR0917 - what a statement is made of
    id_: str,
    who: bytes,
    deed: bytes,
    timestamp: str,
    platform: Platform,
    fields: EventFields,
    further: bytes,
    around: bytes,
    about: bytes,
    outcome: bytes = b"",
) -> Statement:
    """Return the statement that has these parts.

    ``further`` are members of its context's extensions, beside the session, and ``around`` those of the context itself.
    """
    session = fields.get("session")
    # Joining takes half the time of putting them into a template.
    text = b"".join(
        (
            b'{"id":"',
            id_.encode(),
            b'","actor":',
            who,
            b',"verb":',
            deed,
            b',"timestamp":"',
            timestamp.encode(),
            b'","version":"1.0.3","context":{"extensions":{',
            contexts.transformer(platform.transformer_version),
            further,
            SESSION + quoted(session) if session and type(session) is str else contexts.session(fields),
            b"}",
            around,
            b'},"object":',
            about,
            b',"result":' if outcome else b"",
            outcome,
            b"}",
        )
    )
    return new_statement((id_, timestamp, text))
