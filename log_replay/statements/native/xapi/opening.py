"""How a statement opens: its id, who did what, when, and what would have said so upstream."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from log_replay import compiled
from log_replay.statements.native.reading import acting_user, find
from log_replay.statements.native.times import xapi_timestamp
from log_replay.statements.native.xapi.actors import ACCOUNT, around_names
from log_replay.statements.native.xapi.actors import actor as actor_of
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.lms import Identities
    from log_replay.records import Event, EventFields
    from log_replay.statements.identifiers import Namespace
    from log_replay.statements.native.platform import Platform
    from log_replay.statements.native.xapi.verbs import Verb

TRANSFORMER_VERSION = "https://w3id.org/xapi/openedx/extension/transformer-version"


#: A statement's id and timestamp, and its text up to where its context's extensions differ.
Opening: TypeAlias = tuple[str, str, bytes]


class Frame(NamedTuple):
    """What all openings have in common that say of somebody with an account the same thing.

    Attributes:
        begin: begins the digest that makes an id of a name.
        before_name_in_id: what stands before the account's name in the name of the id.
        after_name_in_id: what stands behind it, before the time.
        before_name: what stands between the id and the account's name in the text.
        after_name: what stands between that and the time.
        after_time: what stands behind that.
    """

    begin: Callable[[], Any]
    before_name_in_id: bytes
    after_name_in_id: bytes
    before_name: bytes
    after_name: bytes
    after_time: bytes


def opening(verb: Verb, namespace: Namespace, event: Event, platform: Platform, identities: Identities) -> Opening:
    """Return how the statement opens that the event's user did this.

    Args:
        verb: what was done.
        namespace: of the statement's id.
        event: says who and when.
        platform: what is the same in all statements.
        identities: knows who it is.

    Raises:
        UnknownIdentity: the platform does not know who it was.
    """
    fields = event.fields
    when = fields.get("timestamp") or moment(fields)
    if compiled.open_statement and platform.agent_identifier == ACCOUNT:
        user = event.user
        external_id = identities.external_id(user if user and type(user) is int else acting_user(event))
        opened = compiled.open_statement(_frame(verb, namespace, platform), external_id, when)
        if opened:
            return opened[0], when, opened[1]
    return opening_in_python(verb, namespace, event, platform, identities)


def opening_in_python(
    verb: Verb, namespace: Namespace, event: Event, platform: Platform, identities: Identities
) -> Opening:
    """Do the same for any actor and any time; where it can, ``_compiled.c`` does so in half of the time."""
    when = moment(event.fields)
    who, id_prefix = actor_of(event, platform, identities)
    timestamp = xapi_timestamp(when)
    id_ = namespace.uuid(id_prefix + when.encode())
    text = b'{"id":"%b","actor":%b,"verb":%b,"timestamp":"%b%b' % (
        id_.encode(),
        who,
        verb.json,
        timestamp.encode(),
        _after_time(platform.transformer_version),
    )
    return id_, timestamp, text


def moment(fields: EventFields) -> Any:
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
    )


@lru_cache(maxsize=64)
def _after_time(transformer_version: str) -> bytes:
    version = json_text({TRANSFORMER_VERSION: transformer_version})[:-1]
    return b'","version":"1.0.3","context":{"extensions":%b' % version
