"""Write the file of ``--rejects`` during a run, and read it for ``--from_rejects``."""

from __future__ import annotations

import os
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.records import Rejected
from log_replay.report.summary_file import is_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from log_replay.records import Refusal


class RejectsFile:
    """Writes rejects as JSON lines with object, offset, reason and name of the event.

    Args:
        path: the file. None writes nothing.
        run: the name of the run, if it has one.
        kept_bytes: the size of the valid part of the file, if the run is resumed. The rest is written again.
    """

    def __init__(self, path: Path | None, *, run: str | None = None, kept_bytes: int = 0) -> None:
        self._path = path
        self._run = run
        self._file: IO[bytes] | None = None
        self._size_bytes = kept_bytes
        self._synced_bytes = kept_bytes
        self._is_stream = False

    def __enter__(self) -> Self:
        if self._path:
            try:
                self._is_stream = is_stream(self._path)
                flags = os.O_WRONLY | (os.O_APPEND if self._is_stream else os.O_CREAT)
                self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb", 0)
                if not self._is_stream:
                    self._cut(self._file, self._path)
            except OSError as error:
                raise _unwritable(self._path, error) from error
            except ConfigurationError:
                self.__exit__()
                raise
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def write(self, rejects: Iterable[Rejected], content: Mapping[int, bytes] | None = None) -> None:
        """Append the rejects of a block.

        Args:
            rejects: the rejects.
            content: the rejected lines by offset, if they are written, too.

        Raises:
            DestinationUnavailable: the file cannot be written.
        """
        self._append(self._entry(rejected, content or {}) for rejected in rejects)

    def write_refusals(self, refusals: Iterable[Refusal], *, with_content: bool) -> None:
        """Append the refused statements of a batch.

        Args:
            refusals: the refusals.
            with_content: also write each statement and the answer of the destination.

        Raises:
            DestinationUnavailable: the file cannot be written.
        """
        self._append(self._refusal_entry(refusal, with_content=with_content) for refusal in refusals)

    def _append(self, entries: Iterable[Mapping[str, Any]]) -> None:
        if not self._file or not self._path:
            return
        lines = b"".join(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE) for entry in entries)
        try:
            while lines:
                written = self._file.write(lines)
                self._size_bytes += written
                lines = lines[written:]
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def flush(self) -> int:
        """Wait until everything written to a file is on the disk, and return its size. Pipes and devices have no disk.

        Raises:
            DestinationUnavailable: the file cannot be written.
        """
        if self._file and self._path and not self._is_stream and self._size_bytes > self._synced_bytes:
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                raise _unwritable(self._path, error) from error
            self._synced_bytes = self._size_bytes
        return self._size_bytes

    def _cut(self, file: IO[bytes], path: Path) -> None:
        kept_bytes = self._size_bytes
        if os.fstat(file.fileno()).st_size < kept_bytes:
            raise ConfigurationError(
                f"the run has written {kept_bytes:,} bytes to it, and some of them are gone",
                operation="resume",
                object=str(path),
                hint="restore the file, or start a run with another name",
            )
        os.fchmod(file.fileno(), 0o600)
        file.truncate(kept_bytes)
        file.seek(kept_bytes)

    def _entry(self, rejected: Rejected, content: Mapping[int, bytes]) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "object": rejected.position.object,
            "offset": rejected.position.offset,
            "reason": rejected.reason,
            "event": rejected.name,
        }
        if self._run:
            entry["run"] = self._run
        line = content.get(rejected.position.offset)
        if line is not None:
            try:
                entry["line"] = line.decode()
            except UnicodeDecodeError:
                entry["line_base64"] = b64encode(line).decode()
        return entry

    def _refusal_entry(self, refusal: Refusal, *, with_content: bool) -> dict[str, Any]:
        rejected = Rejected(refusal.position, refusal.reason, refusal.event)
        entry = self._entry(rejected, {}) | {
            "statement_id": refusal.statement_id,
            "destination": refusal.destination,
            "status": refusal.status,
            "fields": list(refusal.fields),
        }
        if with_content:
            entry["answer"] = refusal.answer
            entry["statement"] = refusal.text.decode() if refusal.text is not None else None
        return entry


def read_rejects(option: str, path: str | None) -> dict[str, frozenset[int]] | None:
    """Return the offsets of the lines in a file of rejects, by object.

    Raises:
        ConfigurationError: the file cannot be read, is not a file of rejects, or is empty.
    """
    if path is None:
        return None
    found: dict[str, set[int]] = {}
    try:
        with Path(path).expanduser().open("rb") as file:
            for number, line in enumerate(file, 1):
                name, offset = read_entry(line)
                if name is None:
                    raise ConfigurationError(
                        f"line {number} is not an entry of --rejects", operation="read", object=f"{option} {path}"
                    )
                found.setdefault(name, set()).add(offset)
    except OSError as error:
        raise ConfigurationError(str(error.strerror), operation="read", object=f"{option} {path}") from error
    if not found:
        raise ConfigurationError("it has no entries", operation="read", object=f"{option} {path}")
    return {name: frozenset(offsets) for name, offsets in found.items()}


class ListedReason(NamedTuple):
    """A reason in a file of rejects. ``is_refusal`` is True if a destination has refused a statement of the line."""

    reason: str
    is_refusal: bool


def read_reasons(path: Path) -> dict[tuple[str, int], list[ListedReason]]:
    """Return the reasons in a file of rejects, by the object and the offset of their lines.

    Raises:
        ConfigurationError: the file cannot be read, or is not a file of rejects.
    """
    found: dict[tuple[str, int], list[ListedReason]] = {}
    try:
        with path.open("rb") as file:
            for line in file:
                entry = orjson.loads(line)
                reason = ListedReason(str(entry.get("reason") or ""), "statement_id" in entry)
                reasons = found.setdefault((entry["object"], entry["offset"]), [])
                if reason.reason and reason not in reasons:
                    reasons.append(reason)
    except (OSError, ValueError, KeyError, TypeError) as error:
        shown = error.strerror if isinstance(error, OSError) else "it is not a file of --rejects"
        raise ConfigurationError(str(shown), operation="read", object=str(path)) from error
    return found


def read_entry(line: bytes) -> tuple[str | None, int]:
    """Return the object and offset of an entry, or None and 0 if the line is not an entry."""
    with suppress(ValueError, KeyError, TypeError):
        entry = orjson.loads(line)
        name, offset = entry["object"], entry["offset"]
        if isinstance(name, str) and type(offset) is int and offset >= 0:
            return name, offset
    return None, 0


def _unwritable(path: Path, error: OSError) -> DestinationUnavailable:
    return DestinationUnavailable(str(error.strerror or error), operation="write", object=str(path))
