"""Actors: the learner, identified as the platform wants it."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Any, TypeAlias

from log_replay.statements.native.kept import Kept
from log_replay.statements.native.reading import Unusual, acting_user
from log_replay.statements.serialise import json_text

#: Actors kept at most; each takes about a kilobyte.
CACHE_SIZE = 10_000

if TYPE_CHECKING:
    from log_replay.lms import Identities
    from log_replay.records import Event
    from log_replay.statements.native.platform import Platform

Json = dict[str, Any]


#: An actor's JSON, and what the names of which its statements' ids are made begin with.
Actor: TypeAlias = tuple[bytes, bytes]


def actor(event: Event, platform: Platform, identities: Identities) -> Actor:
    """Return the actor.

    Raises:
        UnknownIdentity: the platform does not know who it was.
    """
    user = acting_user(event)
    identifier = platform.agent_identifier
    if identifier == "mbox":
        return _by_mbox(identities.email(user))
    if identifier == "mbox_sha1sum":
        digest = sha1(identities.email(user).encode(), usedforsecurity=False).hexdigest()
        return _agent({"mbox_sha1sum": digest})
    return _accounts(platform.root_url)[identities.external_id(user)]


@lru_cache(maxsize=8)
def _accounts(root_url: str) -> Kept[str, Actor]:
    """Return a platform's actors by their external ids."""

    def by_account(external_id: str) -> Actor:
        if not external_id or not root_url:
            raise Unusual
        return _agent({"account": {"name": external_id, "homePage": root_url}})

    return Kept(by_account, CACHE_SIZE)


def _by_mbox(email: str) -> Actor:
    if not email:
        raise Unusual
    return _agent({"mbox": email if email.startswith("mailto:") else f"mailto:{email}"})


def _agent(identifier: Json) -> Actor:
    # The order of the keys matters, and so does each blank: this JSON goes into the ids of statements.
    agent = {"objectType": "Agent", **identifier}
    return json_text(agent), f"{json.dumps(agent)}-".encode()
