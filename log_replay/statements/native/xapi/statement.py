"""An xAPI statement, put together from its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.statements.identifiers import name_based_uuid
from log_replay.statements.native.reading import find
from log_replay.statements.native.times import xapi_timestamp
from log_replay.statements.native.xapi import contexts
from log_replay.statements.native.xapi.actors import actor

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.lms import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.actors import Actor
    from log_replay.statements.native.xapi.verbs import Verb

Json = dict[str, Any]
XapiMaker: TypeAlias = "Callable[[Event, Platform, Identities], list[Json]]"
Part: TypeAlias = "Callable[[EventFields, Platform, Identities], Any]"
Circumstances: TypeAlias = "Callable[[EventFields], Json]"
Result: TypeAlias = "Callable[[EventFields], Json]"

VERSION = "1.0.3"


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
        activities: makes the activities that it was part of.
        circumstances: makes what the context's extensions hold beside the session.
        result: makes what came of it.
    """

    def make(event: Event, platform: Platform, identities: Identities) -> list[Json]:
        fields = event.fields
        made = opening(verb, event, platform, identities)
        # In upstream's order: when several parts cannot be made, the first one names the reject's reason.
        further = circumstances(fields) if circumstances else {}
        made["context"] = context(further, activities(fields, platform, identities), fields, platform)
        made["object"] = object_(fields, platform, identities)
        if result:
            made["result"] = result(fields)
        return [made]

    return make


def opening(verb: Verb, event: Event, platform: Platform, identities: Identities) -> Json:
    """Return who did what when, and the id, which is made of just that."""
    who = actor(event, platform, identities)
    when = find(event.fields, "timestamp") or find(event.fields, "time")
    return {
        "id": name_based_uuid(verb.namespace, id_name(who, when)),
        "actor": who.statement,
        "verb": verb.statement,
        "timestamp": xapi_timestamp(when),
        "version": VERSION,
    }


def id_name(who: Actor, when: Any) -> bytes:
    """Return the name of which, in its verb's namespace, a statement's id is made."""
    return f"{who.id_prefix}{when}".encode()


def context(further: Json, activities: Json | None, fields: EventFields, platform: Platform) -> Json:
    """Return the context."""
    extensions = {contexts.TRANSFORMER_VERSION: platform.transformer_version, **further}
    session = find(fields, "session")
    if session is not None:
        extensions[contexts.SESSION_ID] = session
    if activities is None:
        return {"extensions": extensions}
    return {"extensions": extensions, "contextActivities": activities}
