"""The verbs."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import NAMESPACE_DNS, uuid5

from log_replay.statements.identifiers import name_based_uuid

ADL = "http://adlnet.gov/expapi/verbs/"
ACROSS_X = "https://w3id.org/xapi/acrossx/verbs/"
TIN_CAN = "http://id.tincanapi.com/verb/"
VIDEO = "https://w3id.org/xapi/video/verbs/"
OPEN_EDX = "https://w3id.org/xapi/openedx/verb/"
DOD_ISD = "https://w3id.org/xapi/dod-isd/verbs/"


class Verb(NamedTuple):
    """A verb, and what it contributes to the ids of its statements."""

    statement: dict[str, Any]
    json: str
    namespace: bytes

    def namespace_of(self, question: str) -> bytes:
        """Return the namespace of the ids of the statements about one question of a problem."""
        return _namespace(self.json, question)


@lru_cache(maxsize=4096)
def _namespace(verb_json: str, question: str) -> bytes:
    namespace = name_based_uuid(NAMESPACE_DNS.bytes, f"{verb_json}-{question}".encode())
    return bytes.fromhex(namespace.replace("-", ""))


def _verb(vocabulary: str, name: str) -> Verb:
    # The ids of billions of statements depend on this spelling of the verb, down to its blanks.
    statement = {"id": vocabulary + name, "display": {"en": name}}
    spelled = json.dumps(statement)
    return Verb(statement, spelled, uuid5(NAMESPACE_DNS, spelled).bytes)


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
