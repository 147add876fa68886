"""Digests of the first bytes of logs. A log that has only grown still has the same digest."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from log_replay.errors import LogReplayError
from log_replay.options.place import PATHS
from log_replay.sources.paths import is_local_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_replay.records import SourceObject
    from log_replay.sources import Source

HEAD_BYTES = 4096


def head_reader(source: Source, provider: str) -> Callable[[SourceObject], str]:
    """Return a function that returns the digest for an object.

    It is empty for compressed objects, and for objects outside the file system: they are replaced when they grow.
    """

    @lru_cache(maxsize=1)  # the units of an object follow each other
    def read_head(obj: SourceObject) -> str:
        is_local = provider == "LOCAL" or (provider == PATHS and is_local_name(obj.name))
        if not is_local or not obj.size_bytes:
            return ""
        try:
            if source.is_compressed(obj):
                return ""
            head = b"".join(source.read(obj, 0, min(HEAD_BYTES, obj.size_bytes)))
        except LogReplayError:
            return ""  # reading the unit reports the error
        return hashlib.sha256(head).hexdigest()

    return read_head
