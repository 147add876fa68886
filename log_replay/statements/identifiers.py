"""Statement ids that are the same each time an event is replayed."""

from __future__ import annotations

from hashlib import sha1
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

if TYPE_CHECKING:
    from collections.abc import Callable

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class Namespace:
    """A namespace for UUIDs of version 5, which returns the same ids as ``uuid.uuid5`` in a fifth of its time.

    ``uuid.uuid5`` spends most of its time on finding SHA-1. This class copies a digest that already has the namespace.

    Args:
        namespace: the 16 bytes of the namespace's own id.
        prefix: the text before each id.

    Attributes:
        new_digest: starts the SHA-1 digest of an id.
    """

    def __init__(self, namespace: bytes, prefix: str = "") -> None:
        self._prefix = prefix
        self.new_digest = sha1(namespace, usedforsecurity=False).copy

    def uuid(self, name: bytes) -> str:
        """Return the id of a name, as text."""
        return self._prefix + uuid_text(self.new_digest, name)

    def uuid_bytes(self, name: bytes) -> bytes:
        """Return the bytes of the id of a name."""
        digest = self.new_digest()
        digest.update(name)
        id_ = bytearray(digest.digest()[:16])
        id_[6] = id_[6] & 0x0F | 0x50  # the version (5)
        id_[8] = id_[8] & 0x3F | 0x80  # the variant
        return bytes(id_)


def uuid_text(new_digest: Callable[[], Any], name: bytes) -> str:
    """Return the id of a name in the namespace that the digest starts with."""
    digest = new_digest()
    digest.update(name)
    # hex("-", 6) writes a hyphen before the last 12 digits and another before the 12 digits before them.
    digits = digest.digest()[:16].hex("-", 6)
    # Insert the version (5) and the variant.
    return f"{digits[:13]}-5{digits[14:17]}-{_VARIANT[digits[17]]}{digits[18:]}"


#: The namespace of Caliper events' ids. To change it would change the ids of all events.
CALIPER_EVENTS = Namespace(uuid5(NAMESPACE_URL, "https://openedx.org/log-replay/caliper-event").bytes, "urn:uuid:")


def caliper_event_id(json_text: bytes, index: int = 0) -> str:
    """Return the id of the ``index``-th Caliper event from the line with this JSON.

    Upstream uses random ids. With this id, a destination can recognise an event that is delivered again.
    """
    return CALIPER_EVENTS.uuid(json_text + b"#%d" % index if index else json_text)
