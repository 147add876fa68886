"""An xAPI statement, put together from the JSON of its parts."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from log_replay import _speedups
from log_replay.records import Statement, new_statement
from log_replay.statements.native.reading import find
from log_replay.statements.native.times import xapi_timestamp
from log_replay.statements.native.xapi import contexts
from log_replay.statements.native.xapi.actors import actor, around_names, by_account
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.identifiers import Namespace
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.actors import Actor
    from log_replay.statements.native.xapi.verbs import Verb

#: Makes the statements of one event name's events.
XapiMaker: TypeAlias = "Callable[[Event, Platform, Identities], tuple[Statement, ...]]"
#: Makes the JSON of a part of a statement.
Part: TypeAlias = "Callable[[Event, Platform, Identities], bytes]"
Circumstances: TypeAlias = "Callable[[EventFields], bytes]"
Result: TypeAlias = "Callable[[EventFields], bytes]"

#: Members of the context's extensions beside the session, members of the context, what it was done to, and what came
#: of it (nothing where that is empty).
Parts: TypeAlias = tuple[bytes, bytes, bytes, bytes]

TRANSFORMER_VERSION = "https://w3id.org/xapi/openedx/extension/transformer-version"


class Frame(NamedTuple):
    """What all statements have in common that say of somebody with an account the same thing.

    Attributes:
        begin: begins the digest that makes an id of a name.
        before_name_in_id: what stands before the account's name in the name of the id.
        after_name_in_id: what stands behind it, before the time.
        before_name: what stands between the id and the account's name in the text.
        after_name: what stands between that and the time.
        after_time: what stands behind that.
        before_session: what stands before the session, in what the context's extensions hold.
    """

    begin: Callable[[], Any]
    before_name_in_id: bytes
    after_name_in_id: bytes
    before_name: bytes
    after_name: bytes
    after_time: bytes
    before_session: bytes


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
        who = actor(event, platform, identities)
        further = circumstances(fields) if circumstances else b""
        around = activities(event, platform, identities)
        about = object_(event, platform, identities)
        outcome = result(fields) if result else b""
        return (finished(verb, namespace, platform, who, fields, (further, around, about, outcome)),)

    return make


def finished(  # noqa: PLR0913, PLR0917 - what a statement is made of
    verb: Verb, namespace: Namespace, platform: Platform, who: str | Actor, fields: EventFields, parts: Parts
) -> Statement:
    """Return the statement that somebody did something.

    Args:
        verb: what was done.
        namespace: of the statement's id.
        platform: where.
        who: the name of the account of whoever did it, or an actor of another kind.
        fields: the event's, which say when it was done, and in which session.
        parts: what else there is to say.
    """
    if _speedups.xapi_statement and type(who) is str:
        made: Statement | None = _speedups.xapi_statement(
            _frame(verb, namespace, platform), Statement, fields, who, parts
        )
        if made:
            return made
    return finished_in_python(verb, namespace, platform, who, fields, parts)


def finished_in_python(  # noqa: PLR0913, PLR0917 - as above
    verb: Verb, namespace: Namespace, platform: Platform, who: str | Actor, fields: EventFields, parts: Parts
) -> Statement:
    """Do the same for any actor, time and session; where it can, ``statements.c`` does so in a third of the time."""
    further, around, about, outcome = parts
    json_, id_prefix = by_account(who, platform.root_url) if isinstance(who, str) else who
    when = _as_spelled(fields)
    timestamp = xapi_timestamp(when)
    id_ = namespace.uuid(id_prefix + when.encode())
    text = b'{"id":"%b","actor":%b,"verb":%b,"timestamp":"%b%b%b%b}%b},"object":%b%b}' % (
        id_.encode(),
        json_,
        verb.json,
        timestamp.encode(),
        _after_time(platform.transformer_version),
        further,
        contexts.session(fields),
        around,
        about,
        b',"result":%b' % outcome if outcome else b"",
    )
    return new_statement((id_, timestamp, text))


def time_of(fields: EventFields) -> str:
    """Return when it happened, as statements spell it.

    Raises:
        UnsupportedEvent: that cannot be told.
    """
    return xapi_timestamp(_as_spelled(fields))


def _as_spelled(fields: EventFields) -> Any:
    """Return when it happened, as the event spells it."""
    return find(fields, "timestamp") or find(fields, "time")


@lru_cache(maxsize=4096)
def _frame(verb: Verb, namespace: Namespace, platform: Platform) -> Frame:
    (begun, ended), (begun_in_id, ended_in_id) = around_names(platform.root_url)
    return Frame(
        begin=namespace.begin,
        before_name_in_id=begun_in_id + b'"',
        after_name_in_id=b'"' + ended_in_id,
        before_name=b'","actor":%b"' % begun,
        after_name=b'"%b,"verb":%b,"timestamp":"' % (ended, verb.json),
        after_time=_after_time(platform.transformer_version),
        before_session=contexts.SESSION + b'"',
    )


@lru_cache(maxsize=64)
def _after_time(transformer_version: str) -> bytes:
    version = json_text({TRANSFORMER_VERSION: transformer_version})[:-1]
    return b'","version":"1.0.3","context":{"extensions":%b' % version
