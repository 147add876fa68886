"""The verbs of xAPI statements."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple
from uuid import NAMESPACE_DNS

from log_replay.statements.identifiers import Namespace
from log_replay.statements.serialise import json_text

ADL = "http://adlnet.gov/expapi/verbs/"
ACROSS_X = "https://w3id.org/xapi/acrossx/verbs/"
TIN_CAN = "http://id.tincanapi.com/verb/"
VIDEO = "https://w3id.org/xapi/video/verbs/"
OPEN_EDX = "https://w3id.org/xapi/openedx/verb/"
DOD_ISD = "https://w3id.org/xapi/dod-isd/verbs/"

#: The namespace of the namespaces of statements' ids.
DNS = Namespace(NAMESPACE_DNS.bytes)


class Verb(NamedTuple):
    """A verb.

    Attributes:
        json: its JSON in statements.
        json_in_ids: its JSON in the names that statements' ids are derived from.
        namespace: the namespace of its statements' ids.
    """

    json: bytes
    json_in_ids: str
    namespace: Namespace

    def namespace_of(self, question: str) -> Namespace:
        """Return the namespace of the ids of statements about one question of a problem."""
        return _question_namespace(self.json_in_ids, question)


@lru_cache(maxsize=4096)
def _question_namespace(verb_in_ids: str, question: str) -> Namespace:
    return Namespace(DNS.uuid_bytes(f"{verb_in_ids}-{question}".encode()))


def _verb(vocabulary: str, name: str) -> Verb:
    verb = {"id": vocabulary + name, "display": {"en": name}}
    # The ids of all statements depend on this JSON, including its spaces.
    json_in_ids = json.dumps(verb)
    return Verb(json_text(verb), json_in_ids, Namespace(DNS.uuid_bytes(json_in_ids.encode())))


ASKED = _verb(ADL, "asked")
ATTEMPTED = _verb(ADL, "attempted")
COMPLETED = _verb(ADL, "completed")
DELETED = _verb(DOD_ISD, "deleted")
EARNED = _verb(TIN_CAN, "earned")
EDITED = _verb(ACROSS_X, "edited")
EVALUATED = _verb(ACROSS_X, "evaluated")
FAILED = _verb(ADL, "failed")
INITIALIZED = _verb(ADL, "initialized")
INTERACTED = _verb(ADL, "interacted")
NAVIGATED = _verb(DOD_ISD, "navigated")
PASSED = _verb(ADL, "passed")
PAUSED = _verb(VIDEO, "paused")
PLAYED = _verb(VIDEO, "played")
POSTED = _verb(ACROSS_X, "posted")
PROGRESSED = _verb(ADL, "progressed")
REGISTERED = _verb(ADL, "registered")
REPORTED = _verb(ACROSS_X, "reported")
SEEKED = _verb(VIDEO, "seeked")
TERMINATED = _verb(ADL, "terminated")
UNREGISTERED = _verb(TIN_CAN, "unregistered")
UNREPORTED = _verb(OPEN_EDX, "unreported")
VIEWED = _verb(TIN_CAN, "viewed")
VOTED = _verb(OPEN_EDX, "voted")
