"""Actors: the learner, identified as the platform wants it."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.statements.native.reading import UnsupportedEvent, acting_user
from log_replay.statements.serialise import json_text, quoted

if TYPE_CHECKING:
    from log_replay.identities import Identities
    from log_replay.records import Event
    from log_replay.statements.native.platform import Platform

Json = dict[str, Any]

#: An actor's JSON, and what the names of which its statements' ids are made begin with.
Actor: TypeAlias = tuple[bytes, bytes]


def actor(event: Event, platform: Platform, identities: Identities) -> str | Actor:
    """Return the name of the actor's account, or an actor of another kind.

    Raises:
        UnknownIdentity: the platform does not know who it was.
    """
    user, identifier = acting_user(event), platform.agent_identifier
    if identifier == "mbox":
        return _by_mbox(identities.email(user))
    if identifier == "mbox_sha1sum":
        digest = sha1(identities.email(user).encode(), usedforsecurity=False).hexdigest()
        return _agent({"mbox_sha1sum": digest})
    return identities.external_id(user)


def by_account(external_id: str, root_url: str) -> Actor:
    """Return the actor with the account of this name."""
    # Put together anew each time, of what all accounts have in common: thousands of finished ones would be found
    # in memory more slowly than that, and not in the processor's cache.
    (begun, ended), (begun_in_ids, ended_in_ids) = around_names(root_url)
    if not external_id:
        raise UnsupportedEvent
    if not external_id.isascii():
        return _agent(_account(external_id, root_url))
    name = quoted(external_id)
    return begun + name + ended, begun_in_ids + name + ended_in_ids


@lru_cache(maxsize=8)
def around_names(root_url: str) -> tuple[list[bytes], list[bytes]]:
    """Return what stands before and after accounts' names: in actors, and in what the ids of statements are made of."""
    if not root_url:
        raise UnsupportedEvent
    json_, id_prefix = _agent(_account("", root_url))
    return json_.split(b'""'), id_prefix.split(b'""')


def _account(external_id: str, root_url: str) -> Json:
    return {"account": {"name": external_id, "homePage": root_url}}


def _by_mbox(email: str) -> Actor:
    if not email:
        raise UnsupportedEvent
    return _agent({"mbox": email if email.startswith("mailto:") else f"mailto:{email}"})


def _agent(identifier: Json) -> Actor:
    # The order of the keys matters, and so does each blank: this JSON goes into the ids of statements.
    agent = {"objectType": "Agent", **identifier}
    return json_text(agent), f"{json.dumps(agent)}-".encode()
