"""xAPI actors: the learner, identified as the platform's settings require."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.statements.native.fields import UnsupportedEvent, acting_user
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event
    from log_replay.statements.native.platform import Platform

Json = dict[str, Any]

#: An actor's JSON, and the beginning of the names that its statements' ids are derived from.
Actor: TypeAlias = tuple[bytes, bytes]


def actor(event: Event, platform: Platform, identities: Identities) -> str | Actor:
    """Return the name of the actor's account, or an actor without an account.

    Raises:
        UnknownIdentity: the platform has no user for the event.
    """
    user, identifier = acting_user(event), platform.agent_identifier
    if identifier == "mbox":
        return _actor_with_mbox(identities.email(user))
    if identifier == "mbox_sha1sum":
        digest = sha1(identities.email(user).encode(), usedforsecurity=False).hexdigest()
        return _agent({"mbox_sha1sum": digest})
    return identities.external_id(user)


@lru_cache(maxsize=8)
def account_parts(root_url: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Return the text before and after an account's name, in an actor's JSON and in the names of statements' ids."""
    if not root_url:
        raise UnsupportedEvent
    json_, id_prefix = _agent(_account("", root_url))
    before_name, after_name = json_.split(b'""')
    before_name_in_id, after_name_in_id = id_prefix.split(b'""')
    return before_name, after_name, before_name_in_id, after_name_in_id


def _account(external_id: str, root_url: str) -> Json:
    return {"account": {"name": external_id, "homePage": root_url}}


def _actor_with_mbox(email: str) -> Actor:
    if not email:
        raise UnsupportedEvent
    return _agent({"mbox": email if email.startswith("mailto:") else f"mailto:{email}"})


def _agent(identifier: Json) -> Actor:
    # Statements' ids are derived from this JSON: the order of the keys and each space matter.
    agent = {"objectType": "Agent", **identifier}
    return json_text(agent), f"{json.dumps(agent)}-".encode()
