"""Write ``--summary`` and other reports that are one file, and check beforehand that it can be written."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from log_replay.errors import DestinationUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Files below these folders stand for open files of this process. They must not be replaced.
OPEN_FILES = (Path("/dev"), Path("/proc"))


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write the counters of a run as JSON.

    Raises:
        DestinationUnavailable: the file cannot be written.
    """
    write_report(path, orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def write_report(path: Path, content: bytes) -> None:
    """Write a report to a path. Links are followed.

    A regular file is replaced once the report is complete, so that no reader sees a part of it. Everything else, such
    as a pipe or a device, is written in place.

    Raises:
        DestinationUnavailable: the report cannot be written.
    """
    try:
        target = path.resolve()
        if is_stream(path):
            _append(path, content)
        elif target.exists() and not os.access(target.parent, os.W_OK):
            target.write_bytes(content)
        else:
            _replace(target, content)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        reason = getattr(error, "strerror", None) or str(error)
        raise DestinationUnavailable(reason, operation="write", object=str(path)) from error


def is_stream(path: Path) -> bool:
    """Return True if a path can only be written in place: a pipe, a device, a terminal, or an open file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) or any(folder in path.absolute().parents for folder in OPEN_FILES)


def can_write(path: Path) -> bool:
    """Return True if a report can be written to a path. An existing file is not changed."""
    try:
        if path.exists():
            return not path.is_dir() and os.access(path, os.W_OK)
        folder = path.resolve().parent
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a zero byte in the path
        return False
    return folder.is_dir() and os.access(folder, os.W_OK)


def _append(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as stream:
        stream.write(content)


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        with suppress(FileNotFoundError):
            partial.chmod(stat.S_IMODE(path.stat().st_mode))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
