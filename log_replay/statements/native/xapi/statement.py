"""An xAPI statement, put together from the JSON of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from log_replay.records import Statement, new_statement
from log_replay.statements.native.xapi import contexts
from log_replay.statements.native.xapi.contexts import SESSION
from log_replay.statements.native.xapi.opening import opening
from log_replay.statements.serialise import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.lms import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.opening import Opening
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
    namespace = verb.namespace

    def make(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
        # In upstream's order: when several parts cannot be made, the first one names the reject's reason.
        fields = event.fields
        opened = opening(verb, namespace, event, platform, identities)
        further = circumstances(fields) if circumstances else b""
        around = activities(event, platform, identities)
        about = object_(event, platform, identities)
        return (finished(opened, fields, further, around, about, result(fields) if result else b""),)

    return make


def finished(  # noqa: PLR0913, PLR0917 - what a statement is made of
    opened: Opening, fields: EventFields, further: bytes, around: bytes, about: bytes, outcome: bytes
) -> Statement:
    """Return the statement that opens so and has these parts.

    ``further`` are members of its context's extensions, beside the session, and ``around`` those of the context itself.
    """
    id_, timestamp, begun = opened
    session = fields.get("session")
    session_text = SESSION + quoted(session) if session and type(session) is str else contexts.session(fields)
    # Joining takes half the time of putting them into a template.
    parts = (begun, further, session_text, b"}", around, b'},"object":', about, b',"result":', outcome, b"}")
    text = b"".join(parts if outcome else (*parts[:7], b"}"))
    return new_statement((id_, timestamp, text))
