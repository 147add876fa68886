"""Actors: the learner, identified as the platform wants it."""

from __future__ import annotations

import json
from hashlib import sha1
from json.encoder import encode_basestring_ascii as json_string
from typing import TYPE_CHECKING, Any

from log_replay.statements.native.reading import Unusual, acting_user

if TYPE_CHECKING:
    from log_replay.lms import Identities
    from log_replay.records import EventFields
    from log_replay.statements.native.platform import Platform

Actor = dict[str, Any]


def actor(fields: EventFields, platform: Platform, identities: Identities) -> Actor:
    """Return the actor. The order of its keys matters: its JSON goes into the statement's id.

    Raises:
        UnknownIdentity: the platform does not know who it was.
    """
    user = acting_user(fields)
    if platform.agent_identifier == "mbox":
        return _by_mbox(identities.email(user))
    if platform.agent_identifier == "mbox_sha1sum":
        digest = sha1(identities.email(user).encode(), usedforsecurity=False).hexdigest()
        return {"objectType": "Agent", "mbox_sha1sum": digest}
    account = identities.external_id(user)
    if not account or not platform.root_url:
        raise Unusual
    return {"objectType": "Agent", "account": {"name": account, "homePage": platform.root_url}}


def id_text(actor: Actor) -> str:
    """Return the actor's JSON as it goes into the ids of statements, spelled as ``json.dumps`` does."""
    account = actor.get("account")
    if account:
        name, page = json_string(account["name"]), json_string(account["homePage"])
        return f'{{"objectType": "Agent", "account": {{"name": {name}, "homePage": {page}}}}}'
    return json.dumps(actor)


def _by_mbox(email: str) -> Actor:
    if not email:
        raise Unusual
    return {"objectType": "Agent", "mbox": email if email.startswith("mailto:") else f"mailto:{email}"}
