"""Reports that are files: ``--rejects`` as it goes, ``--summary`` at the end."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, Self

import orjson

from log_replay.errors import DestinationLost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from log_replay.records import Rejected


class RejectsFile:
    """Writes rejects as JSON lines of object, offset, reason and event name, whole lines only.

    Args:
        path: where to; nothing is written if it is None.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if self._path:
            try:
                self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", 0)
            except OSError as error:
                raise _lost(self._path, error) from error
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._file:
            self._file.close()

    def write(self, rejects: Iterable[Rejected]) -> None:
        """Append a block's rejects.

        Raises:
            DestinationLost: the disk is full, for example.
        """
        if not self._file or not self._path:
            return
        lines = b"".join(
            orjson.dumps(
                {
                    "object": rejected.position.object,
                    "offset": rejected.position.offset,
                    "reason": rejected.reason,
                    "event": rejected.name,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for rejected in rejects
        )
        try:
            while lines:
                lines = lines[self._file.write(lines) :]
        except OSError as error:
            raise _lost(self._path, error) from error


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a run's counters as JSON, whole or not at all.

    Raises:
        DestinationLost: the disk is full, for example.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise _lost(path, error) from error


def _lost(path: Path, error: OSError) -> DestinationLost:
    return DestinationLost(str(error.strerror or error), operation="write", object=str(path))
