"""An xAPI statement, put together from the JSON of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.records import Statement, new_statement
from log_replay.statements.native.reading import find
from log_replay.statements.native.times import xapi_timestamp
from log_replay.statements.native.xapi import contexts
from log_replay.statements.native.xapi.actors import actor

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

OPENING = b'{"id":"%b","actor":%b,"verb":%b,"timestamp":"%b","version":"1.0.3","context":{"extensions":'
REST = b'%b%b},"object":%b%b}'


def statement(
    verb: Verb,
    object_: Part,
    *,
    activities: Part = contexts.in_course,
    circumstances: Circumstances = contexts.none,
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

    def make(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
        fields = event.fields
        # In upstream's order: when several parts cannot be made, the first one names the reject's reason.
        id_, timestamp, begun = opening(verb, event, platform, identities)
        rest = (
            contexts.extensions(circumstances(fields), fields, platform),
            activities(event, platform, identities),
            object_(event, platform, identities),
            b',"result":%b' % result(fields) if result else b"",
        )
        return (new_statement((id_, timestamp, begun + REST % rest)),)

    return make


def opening(verb: Verb, event: Event, platform: Platform, identities: Identities) -> tuple[str, str, bytes]:
    """Return a statement's id, its timestamp, and its text up to its context's extensions: who did what when."""
    who = actor(event, platform, identities)
    when = moment(event.fields)
    timestamp = xapi_timestamp(when)
    id_ = verb.namespace.uuid(f"{who.id_prefix}{when}".encode())
    return id_, timestamp, OPENING % (id_.encode(), who.json, verb.json, timestamp.encode())


def moment(fields: EventFields) -> Any:
    """Return when it happened, as the event spells it."""
    return find(fields, "timestamp") or find(fields, "time")
