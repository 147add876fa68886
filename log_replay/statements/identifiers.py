"""Ids that are the same on every replay of the same event."""

from __future__ import annotations

from hashlib import sha1
from uuid import NAMESPACE_URL, uuid5

#: What Caliper events' ids are derived from; changing it changes every id ever emitted.
CALIPER_EVENT_NAMESPACE = uuid5(NAMESPACE_URL, "https://openedx.org/log-replay/caliper-event")

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def name_based_uuid(namespace: bytes, name: bytes) -> str:
    """Return what ``uuid.uuid5`` would, as text: the same digits at a third of its cost."""
    digits = sha1(namespace + name, usedforsecurity=False).hexdigest()
    # Version 5, and the two bits of its variant.
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:32]}"


def caliper_event_id(json_text: bytes, index: int = 0) -> str:
    """Return the id of the ``index``-th Caliper event made of the line with this JSON.

    Upstream draws a random one; this one tells a repeated delivery from a new event.
    """
    name = json_text + b"#%d" % index if index else json_text
    return "urn:uuid:" + name_based_uuid(CALIPER_EVENT_NAMESPACE.bytes, name)
