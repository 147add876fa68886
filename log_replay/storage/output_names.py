"""Names of the files that a run writes. File sinks make them; sources skip them.

A name depends on the run's key, the object that the statements were made from, and the offset of the first event. It
does not depend on other objects in the source.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

#: Name of standard input, a source object without a name of its own.
STDIN = "stdin"

_OUTPUT = r"(?:xapi|caliper)_[0-9a-f]{12}_[0-9a-f]{12}_[0-9]{12,}\.log(?:\.gz|\.zst)?"
#: The last part of the name of a file that was written by a run of ours, by upstream's command, or left by a run of
#: ours that was killed.
OWN_OUTPUT = re.compile(
    rf"""
    {_OUTPUT}
    | [0-9]{{2}}-[0-9]{{2}}-[0-9]{{2}}_[0-9]{{2}}-[0-9]{{2}}-[0-9]{{2}}_(?:xapi|caliper)\.log
    | manifest\.(?:json|log)
    | \.(?:{_OUTPUT}|manifest\.json)\.[0-9a-f]{{8}}\.partial
    """,
    re.VERBOSE,
)
_ORIGIN = re.compile(r"(xapi|caliper)_([0-9a-f]{12})_([0-9a-f]{12})_[0-9]{12,}\.log(?:\.gz|\.zst)?")


class Origin(NamedTuple):
    """The part of an output's name that says what it was made from.

    Attributes:
        transformer_type: ``xapi`` or ``caliper``.
        key: the run's key, twelve lowercase hexadecimal digits.
        digest: of the source object, likewise.
    """

    transformer_type: str
    key: str
    digest: str

    def name(self, offset: int, suffix: str = "") -> str:
        """Return the name of an output. Names of one object sort in the order of their offsets.

        Args:
            offset: of the first event in the output.
            suffix: ``.gz`` or ``.zst`` if the output is compressed.
        """
        return f"{'_'.join(self)}_{offset:012d}.log{suffix}"


def object_digest(name: str) -> str:
    """Return the digest of the name of a source object."""
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:12]


def origin_of(name: str) -> Origin | None:
    """Return what an output was made from, or None if this is not the name of an output."""
    found = _ORIGIN.fullmatch(name.rpartition("/")[2])
    return Origin(*found.groups()) if found else None


def is_own_output(name: str) -> bool:
    """Return True if an object of this name, with or without folders, was written by a replay."""
    return OWN_OUTPUT.fullmatch(name.rpartition("/")[2]) is not None
