"""``manifest.json``: what the runs into one prefix have written there.

Each run has one entry in ``runs``, under its key. A run replaces its own entry and keeps all others; two runs that
end in the same moment can lose one of the entries, never an output.
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
    """One object that a run has written; ``sha256`` and ``bytes`` are the stored object's."""

    name: str
    events: int
    statements: int
    bytes: int
    sha256: str
    first: dict[str, Any]
    last: dict[str, Any]


class Run(TypedDict):
    """One run's entry; ``created`` is when its outputs first were what they are."""

    key: str
    transformer_type: str
    compression: str | None
    created: str
    log_replay_version: str
    outputs: list[Output]


def place(position: Position) -> dict[str, Any]:
    """Return a line's position as the manifest spells it."""
    return {"object": position.object, "offset": position.offset}


def run_entry(key: str, transformer_type: str, compression: str | None, outputs: list[Output]) -> Run:
    """Return the entry of a run that ends now."""
    return Run(
        key=key,
        transformer_type=transformer_type,
        compression=compression,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        log_replay_version=__version__,
        outputs=outputs,
    )


def earlier_runs(text: bytes | None, name: str) -> list[Run]:
    """Return the entries of a stored manifest, none where there is none.

    Raises:
        DestinationUnavailable: the object of this name is no manifest of ours, and is not for us to overwrite.
    """
    if text is None:
        return []
    with suppress(ValueError, KeyError, TypeError):
        manifest = orjson.loads(text)
        runs: list[Run] = manifest["runs"]
        if manifest["manifest_version"] == _VERSION and all(isinstance(run["key"], str) for run in runs):
            return runs
    raise DestinationUnavailable(
        "there is an object of this name that is no manifest of ours",
        operation="read",
        object=name,
        hint="write to another prefix, or move that object away",
    )


def merged(runs: list[Run], run: Run) -> bytes:
    """Return the manifest with this run's entry in place of an earlier one with its key."""
    for earlier in runs:
        if earlier == {**run, "created": earlier.get("created")}:
            run = earlier  # a repeat that changed nothing changes nothing here
    others = [other for other in runs if other["key"] != run["key"]]
    ordered = sorted([*others, run], key=lambda entry: entry["key"])
    text = orjson.dumps({"manifest_version": _VERSION, "runs": ordered}, option=orjson.OPT_INDENT_2)
    return text + b"\n"
