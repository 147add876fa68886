"""``manifest.json``: the list of the files that the runs into one prefix have written.

Each run has one entry in ``runs``, identified by its key. A run replaces its own entry and keeps all others. If two
runs end at the same moment, one of the entries can be lost, but no output.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict, cast

import orjson

from log_replay import __version__
from log_replay.errors import DestinationUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

MANIFEST = "manifest.json"
_VERSION = 2


class Output(TypedDict):
    """A file that a run has written.

    ``object`` is the source object that its statements were made from; ``first`` and ``last`` are the offsets of the
    first and the last event. ``sha256`` and ``bytes`` are those of the stored, compressed file.
    """

    name: str
    object: str
    first: int
    last: int
    events: int
    statements: int
    bytes: int
    sha256: str


class ManifestRun(TypedDict):
    """The entry of a run. ``created`` is the time when its outputs were first written as they are now."""

    key: str
    transformer_type: str
    compression: str | None
    created: str
    log_replay_version: str
    outputs: list[Output]


def run_entry(key: str, transformer_type: str, compression: str | None, outputs: Sequence[Output]) -> ManifestRun:
    """Return the entry of a run that ends now. PostgreSQL does not keep the order of the keys of an output."""
    ordered = [cast("Output", {name: dict(output)[name] for name in Output.__annotations__}) for output in outputs]
    return ManifestRun(
        key=key,
        transformer_type=transformer_type,
        compression=compression,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        log_replay_version=__version__,
        outputs=sorted(ordered, key=lambda output: (output["object"], output["first"], output["name"])),
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
        "an object of this name exists, and is not a manifest of this version of Log Replay",
        operation="read",
        object=name,
        hint="write to another prefix, or move that object away",
    )


def kept_outputs(
    runs: Sequence[ManifestRun], key: str, outputs: Sequence[Output], replaced: Collection[str]
) -> list[Output]:
    """Return the outputs that earlier runs with this key have written and that are still valid.

    Args:
        runs: the entries of the stored manifest.
        key: the run's key.
        outputs: that this run has written.
        replaced: the objects whose outputs have all been written by this run.
    """
    names = {output["name"] for output in outputs}
    earlier = [output for run in runs if run["key"] == key for output in run["outputs"]]
    return [output for output in earlier if output["object"] not in replaced and output["name"] not in names]


def merged(runs: Sequence[ManifestRun], run: ManifestRun) -> bytes:
    """Return the manifest with this run's entry, which replaces an earlier entry with the same key."""
    for earlier in runs:
        if earlier == {**run, "created": earlier.get("created")}:
            run = earlier  # a repeated run with the same outputs keeps its time
    others = [other for other in runs if other["key"] != run["key"]]
    ordered = sorted([*others, run], key=lambda entry: entry["key"])
    text = orjson.dumps({"manifest_version": _VERSION, "runs": ordered}, option=orjson.OPT_INDENT_2)
    return text + b"\n"
