"""An xAPI statement, put together from the JSON of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.records import Statement, new_statement
from log_replay.statements.native.reading import find
from log_replay.statements.native.times import xapi_timestamp
from log_replay.statements.native.xapi import contexts
from log_replay.statements.native.xapi.actors import actor
from log_replay.statements.native.xapi.contexts import session
from log_replay.statements.serialise import constant_text

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

TEXT = (
    b'{"id":"%%b","actor":%%b,"verb":%b,"timestamp":"%%b","version":"1.0.3",'
    b'"context":{"extensions":{"%b":%%b%%b}%%b},"object":%%b%b%%b}'
)


def template(verb: Verb, *, with_result: bool) -> bytes:
    """Return a statement's text but for what differs from event to event.

    It has places for the id, the actor, the timestamp, the transformer's version, further extensions and other members
    of the context, the object, and the result: nothing where there is none.
    """
    return TEXT % (verb.json, contexts.TRANSFORMER_VERSION, b',"result":' if with_result else b"")


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
    text, uuid = template(verb, with_result=bool(result)), verb.namespace.uuid

    def make(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
        # Each event pays for every call and every object here. In upstream's order: when several parts cannot be made,
        # the first one names the reject's reason.
        fields = event.fields
        who = actor(event, platform, identities)
        when = fields.get("timestamp") or moment(fields)
        timestamp = xapi_timestamp(when)
        id_ = uuid(who.id_prefix + when.encode())
        finished = text % (
            id_.encode(),
            who.json,
            timestamp.encode(),
            constant_text(platform.transformer_version),
            circumstances(fields) + session(fields) if circumstances else session(fields),
            activities(event, platform, identities),
            object_(event, platform, identities),
            result(fields) if result else b"",
        )
        return (new_statement((id_, timestamp, finished)),)

    return make


def moment(fields: EventFields) -> Any:
    """Return when it happened, as the event spells it."""
    return find(fields, "timestamp") or find(fields, "time")
