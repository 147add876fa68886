"""Ids that are the same on every replay of the same event."""

from __future__ import annotations

from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

#: What Caliper events' ids are derived from; changing it changes every id ever emitted.
CALIPER_EVENT_NAMESPACE = uuid5(NAMESPACE_URL, "https://openedx.org/log-replay/caliper-event")


def name_based_uuid(namespace: bytes, name: bytes) -> str:
    """Return what ``uuid.uuid5`` would, as text: the same bits at a quarter of its cost."""
    digest = bytearray(sha1(namespace + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid_bytes(text: str) -> bytes:
    """Return the 16 bytes that a UUID's text stands for."""
    return UUID(text).bytes


def caliper_event_id(json_text: bytes, index: int = 0) -> str:
    """Return the id of the ``index``-th Caliper event made of the line with this JSON.

    Upstream draws a random one; this one tells a repeated delivery from a new event.
    """
    name = json_text + b"#%d" % index if index else json_text
    return "urn:uuid:" + name_based_uuid(CALIPER_EVENT_NAMESPACE.bytes, name)
