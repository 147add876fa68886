"""Build an xAPI statement from the JSON of its parts."""

from __future__ import annotations

import json
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from log_replay import _speedups
from log_replay.records import Statement, new_statement
from log_replay.statements.identifiers import uuid_text
from log_replay.statements.native.fields import UnsupportedEvent, UpstreamRejects, find
from log_replay.statements.native.times import xapi_timestamp
from log_replay.statements.native.xapi import contexts
from log_replay.statements.native.xapi.actors import account_parts, actor
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.identities import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.identifiers import Namespace
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.actors import Actor
    from log_replay.statements.native.xapi.verbs import Verb

#: Transforms an event with one name into xAPI statements.
XapiTransform: TypeAlias = "Callable[[Event, Platform, Identities], tuple[Statement, ...]]"
#: Returns the JSON of a part of the statement.
Part: TypeAlias = "Callable[[Event, Platform, Identities], bytes]"
#: Returns the JSON of a part of the statement that depends on the event's fields only.
PartOfFields: TypeAlias = "Callable[[EventFields], bytes]"

TRANSFORMER_VERSION = "https://w3id.org/xapi/openedx/extension/transformer-version"


class XapiTemplate(NamedTuple):
    """The constant parts of all statements with the same verb on one platform, for actors with an account.

    Attributes:
        new_digest: starts the SHA-1 digest of a statement's id.
        before_name_in_id: the text before the account name in the name that the id is derived from.
        after_name_in_id: the text between the account name and the time in that name.
        before_name: the JSON between the id and the account name.
        after_name: the JSON between the account name and the timestamp.
        after_timestamp: the JSON after the timestamp.
        before_session: the JSON before the session, in the context's extensions.
    """

    new_digest: Callable[[], Any]
    before_name_in_id: bytes
    after_name_in_id: bytes
    before_name: bytes
    after_name: bytes
    after_timestamp: bytes
    before_session: bytes


class XapiFragments(NamedTuple):
    """The parts of a statement that differ from event to event, as JSON.

    Attributes:
        extensions: members of the context's extensions, other than the session.
        context: members of the context.
        object: the object.
        result: the result; empty if the statement has none.
    """

    extensions: bytes
    context: bytes
    object: bytes
    result: bytes


class XapiParts(NamedTuple):
    """The parts of the statement that a transform gives; see ``statement``."""

    verb: Verb
    object: Part
    activities: Part
    extensions: PartOfFields | None
    result: PartOfFields | None


#: The parts of the statements of each transform that ``statement`` returned.
PARTS_OF: dict[XapiTransform, XapiParts] = {}

_speedups.check_layout("XapiTemplate", XapiTemplate._fields)
_speedups.check_layout("XapiFragments", XapiFragments._fields)
_speedups.check_layout("Statement", Statement._fields)

#: ``XapiFragments``, or a plain tuple of them: to create a named tuple takes 0.2 us, 3 % of a video's statement.
Fragments: TypeAlias = XapiFragments | tuple[bytes, bytes, bytes, bytes]

# A named tuple's own __new__ takes twice as long.
new_template = partial(tuple.__new__, XapiTemplate)


def statement(
    verb: Verb,
    object_: Part,
    *,
    activities: Part = contexts.in_course,
    extensions: PartOfFields | None = None,
    result: PartOfFields | None = None,
) -> XapiTransform:
    """Return the transform of an event that gives one statement.

    Args:
        verb: the verb.
        object_: returns the object.
        activities: returns the context activities, as a member of the context.
        extensions: returns the context's extensions other than the session, as members of them.
        result: returns the result.
    """
    namespace = verb.namespace

    def transform(event: Event, platform: Platform, identities: Identities) -> tuple[Statement, ...]:
        # In upstream's order: if several parts are invalid, the first one decides the reject reason.
        fields = event.fields
        actor_ = actor(event, platform, identities)
        extensions_ = extensions(fields) if extensions else b""
        context = activities(event, platform, identities)
        about = object_(event, platform, identities)
        result_ = result(fields) if result else b""
        if not about:
            reject_without_id(fields)
        fragments = (extensions_, context, about, result_)
        return (build_statement(verb, namespace, platform, actor_, fields, fragments),)

    PARTS_OF[transform] = XapiParts(verb, object_, activities, extensions, result)
    return transform


def build_statement(  # noqa: PLR0913, PLR0917 - the parts of a statement
    verb: Verb,
    namespace: Namespace,
    platform: Platform,
    actor_: str | Actor,
    fields: EventFields,
    fragments: Fragments,
) -> Statement:
    """Build a statement, in C if the extension is built and supports the event.

    Args:
        verb: the verb.
        namespace: the namespace of the statement's id.
        platform: the platform of the event.
        actor_: the name of the actor's account, or an actor without an account.
        fields: the event's fields, for the timestamp and the session.
        fragments: the other parts of the statement.
    """
    if not actor_:
        raise UnsupportedEvent
    if isinstance(actor_, str):
        template, name = template_of(verb, platform), actor_
        if namespace is not verb.namespace:
            template = new_template((namespace.new_digest, *template[1:]))
    else:
        template, name = _template_without_name(actor_, verb, namespace, platform), ""
    if _speedups.xapi_statement:
        built: Statement | None = _speedups.xapi_statement(template, Statement, fields, name, fragments)
        if built:
            return built
    return xapi_statement(template, fields, name, fragments)


def xapi_statement(template: XapiTemplate, fields: EventFields, name: str, fragments: Fragments) -> Statement:
    """Build a statement with any actor, time and session. The C function of this name takes a third of the time.

    Args:
        template: the constant parts of the statement.
        fields: the event's fields, for the timestamp and the session.
        name: the name of the actor's account; empty if the actor has no account.
        fragments: the other parts of the statement.
    """
    extensions, context, object_, result = fragments
    name_in_json, name_in_id = json_text(name)[1:-1], json.dumps(name)[1:-1].encode()
    time = _time_in_event(fields)
    timestamp = "" if time is None else xapi_timestamp(time)
    named = b"%b%b%b%b" % (template.before_name_in_id, name_in_id, template.after_name_in_id, str(time).encode())
    id_ = uuid_text(template.new_digest, named)
    text = b'{"id":"%b%b%b%b%b%b%b%b}%b},"object":%b%b}' % (
        id_.encode(),
        template.before_name,
        name_in_json,
        template.after_name,
        timestamp.encode(),
        template.after_timestamp,
        extensions,
        contexts.session(fields),
        context,
        object_,
        b',"result":%b' % result if result else b"",
    )
    if not timestamp:  # the first match, since the members before it have no such name
        text = text.replace(b',"timestamp":""', b"", 1)
    return new_statement((id_, timestamp, text))


def reject_without_id(fields: EventFields) -> NoReturn:
    """Reject an event whose object has no id. Upstream checks this last, so an invalid time is another reason.

    Raises:
        UpstreamRejects: always.
    """
    time = _time_in_event(fields)
    if time is not None:
        xapi_timestamp(time)
    raise UpstreamRejects("no_object_id")


def check_reject(fields: EventFields, platform: Platform) -> None:
    """Check the values that upstream uses before all others, to build the id. A reject is wrong if one is invalid.

    Raises:
        UnsupportedEvent: the platform has no root URL.
        UnicodeEncodeError: the time has a lone surrogate.
    """
    if not platform.root_url:
        raise UnsupportedEvent
    str(_time_in_event(fields)).encode()


def _time_in_event(fields: EventFields) -> Any:
    """Return the time as the event writes it."""
    return find(fields, "timestamp") or find(fields, "time")


@lru_cache(maxsize=256)
def template_of(verb: Verb, platform: Platform) -> XapiTemplate:
    """Return the template of statements with a verb."""
    before_name, after_name, before_name_in_id, after_name_in_id = account_parts(platform.root_url)
    return XapiTemplate(
        new_digest=verb.namespace.new_digest,
        before_name_in_id=before_name_in_id + b'"',
        after_name_in_id=b'"' + after_name_in_id,
        before_name=b'","actor":%b"' % before_name,
        after_name=b'"%b,"verb":%b,"timestamp":"' % (after_name, verb.json),
        after_timestamp=_after_timestamp(platform.transformer_version),
        before_session=contexts.SESSION + b'"',
    )


def _template_without_name(actor_: Actor, verb: Verb, namespace: Namespace, platform: Platform) -> XapiTemplate:
    """Return the template for one actor without an account. Not cached: there are as many as learners."""
    json_, id_prefix = actor_
    return XapiTemplate(
        new_digest=namespace.new_digest,
        before_name_in_id=id_prefix,
        after_name_in_id=b"",
        before_name=b'","actor":%b,"verb":%b,"timestamp":"' % (json_, verb.json),
        after_name=b"",
        after_timestamp=_after_timestamp(platform.transformer_version),
        before_session=contexts.SESSION + b'"',
    )


@lru_cache(maxsize=64)
def _after_timestamp(transformer_version: str) -> bytes:
    version = json_text({TRANSFORMER_VERSION: transformer_version})[:-1]
    return b'","version":"1.0.3","context":{"extensions":%b' % version
