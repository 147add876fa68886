"""Tell logs from other objects in a listing."""

from __future__ import annotations

from log_replay.errors import ReadError
from log_replay.records import SkippedObject, SourceObject
from log_replay.storage.output_names import is_own_output

#: Reason of a skipped object without content.
EMPTY = "empty"


def listed(name: str, size_bytes: int | None, version: str | None) -> SourceObject | SkippedObject:
    """Return the object of this name, or the reason why it is not a log."""
    if name.endswith("/"):
        return SkippedObject(name, "placeholder")
    if is_own_output(name):
        return SkippedObject(name, "own output")
    if size_bytes == 0:
        return SkippedObject(name, EMPTY)
    return SourceObject(name, size_bytes, version)


def unreadable(name: str, reason: str) -> ReadError:
    """Return the error for an object that is listed, but is never read."""
    return ReadError(
        reason, operation="read", object=name, offset=0, hint="--skip_unreadable skips objects like this one"
    )
