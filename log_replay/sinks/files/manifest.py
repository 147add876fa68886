"""``manifest.json``: the list of the files that the runs into one prefix have written.

Each run has one entry in ``runs``, identified by its key. A run replaces its own entry and keeps all others. If two
runs end at the same moment, one of the entries can be lost, but no output.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from log_replay import __version__
from log_replay.errors import DestinationUnavailable

if TYPE_CHECKING:
    from log_replay.records import Position

MANIFEST = "manifest.json"
_VERSION = 1


class Output(TypedDict):
    """A file that a run has written. ``sha256`` and ``bytes`` are those of the stored, compressed file."""

    name: str
    events: int
    statements: int
    bytes: int
    sha256: str
    first: dict[str, Any]
    last: dict[str, Any]


class ManifestRun(TypedDict):
    """The entry of a run. ``created`` is the time when its outputs were first written as they are now."""

    key: str
    transformer_type: str
    compression: str | None
    created: str
    log_replay_version: str
    outputs: list[Output]


def position_entry(position: Position) -> dict[str, Any]:
    """Return the position of a line as the manifest contains it."""
    return {"object": position.object, "offset": position.offset}


def run_entry(key: str, transformer_type: str, compression: str | None, outputs: list[Output]) -> ManifestRun:
    """Return the entry of a run that ends now."""
    return ManifestRun(
        key=key,
        transformer_type=transformer_type,
        compression=compression,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        log_replay_version=__version__,
        outputs=outputs,
    )


def earlier_runs(text: bytes | None, name: str) -> list[ManifestRun]:
    """Return the entries of a stored manifest, or an empty list if there is no manifest.

    Raises:
        DestinationUnavailable: the object of this name is not a manifest of ours. It must not be overwritten.
    """
    if text is None:
        return []
    with suppress(ValueError, KeyError, TypeError):
        manifest = orjson.loads(text)
        runs: list[ManifestRun] = manifest["runs"]
        if manifest["manifest_version"] == _VERSION and all(isinstance(run["key"], str) for run in runs):
            return runs
    raise DestinationUnavailable(
        "an object of this name exists, and is not a manifest of Log Replay",
        operation="read",
        object=name,
        hint="write to another prefix, or move that object away",
    )


def merged(runs: list[ManifestRun], run: ManifestRun) -> bytes:
    """Return the manifest with this run's entry, which replaces an earlier entry with the same key."""
    for earlier in runs:
        if earlier == {**run, "created": earlier.get("created")}:
            run = earlier  # a repeated run with the same outputs keeps its time
    others = [other for other in runs if other["key"] != run["key"]]
    ordered = sorted([*others, run], key=lambda entry: entry["key"])
    text = orjson.dumps({"manifest_version": _VERSION, "runs": ordered}, option=orjson.OPT_INDENT_2)
    return text + b"\n"
