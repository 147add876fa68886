"""Folders on this machine."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from log_replay.errors import ConfigurationError, ReadError, SourceUnavailable
from log_replay.records import SkippedObject, SourceObject
from log_replay.sources.codecs import HEAD_BYTES, is_compressed
from log_replay.sources.decompression import CHUNK_BYTES, read_decompressed
from log_replay.sources.listing import listed, unreadable
from log_replay.storage.local import file_version, is_replaced

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

SMALLEST_BUFFER_BYTES = 1 << 16

log = structlog.get_logger(__name__)


class LocalSource:
    """The files in a folder whose names, relative to it, begin with the prefix.

    Args:
        folder: the folder.
        prefix: the beginning of the names.
        skip_unreadable: skip pipes, links out of the container and files with undecodable names, instead of listing
            them as objects that cannot be read.
    """

    def __init__(self, folder: Path, prefix: str = "", *, skip_unreadable: bool = False) -> None:
        self._folder = folder
        self._prefix = prefix
        self._skip_unreadable = skip_unreadable
        self._unreadable: dict[str, str] = {}

    def check(self) -> None:
        """Check that the folder exists and can be listed."""
        try:
            with os.scandir(self._folder):
                pass
        except OSError as error:
            missing = "key" if not self._folder.parent.is_dir() else "container"
            raise ConfigurationError(
                error.strerror or "cannot be listed",
                operation="list",
                object=str(self._folder),
                hint=f'check "{missing}" in --source_config',
            ) from error

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List the files in the order of their full names, as an object store does."""
        try:
            yield from self._walk("", self._folder.resolve(strict=True))
        except OSError as error:
            raise SourceUnavailable(
                error.strerror or "cannot be listed", operation="list", object=str(self._folder)
            ) from error

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield a file's decompressed bytes."""
        return read_decompressed(partial(self.read_stored, obj), obj.name, start, end)

    def read_stored(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        """Yield a file's stored bytes, without decompressing them."""
        if reason := self._unreadable.get(obj.name):
            raise unreadable(obj.name, reason)
        offset = start
        try:
            opened, status = self._open(obj)
            try:
                if is_replaced(obj, status):
                    raise ReadError(
                        "it was replaced by another file after it was listed",
                        operation="read",
                        object=obj.name,
                        offset=offset,
                        hint="was it rotated? replay the logs again",
                    )
                while end is None or offset < end:
                    # A large buffer for a small file costs more than reading the file.
                    buffer_bytes = min(CHUNK_BYTES, max(SMALLEST_BUFFER_BYTES, status.st_size - offset + 1))
                    wanted_bytes = buffer_bytes if end is None else min(buffer_bytes, end - offset)
                    chunk = os.pread(opened, wanted_bytes, offset)
                    if not chunk:
                        break
                    offset += len(chunk)
                    yield chunk
                    if len(chunk) < wanted_bytes and offset == status.st_size:
                        break  # without another read, which would return nothing
                if end is None:
                    self._report_replacement(obj, status)
            finally:
                os.close(opened)
        except OSError as error:
            raise ReadError(
                error.strerror or "cannot be read", operation="read", object=obj.name, offset=offset
            ) from error
        # A file may have grown since it was listed. A file that is shorter has lost lines, for example by copytruncate.
        expected_end = obj.size_bytes if end is None or obj.size_bytes is None else min(end, obj.size_bytes)
        if expected_end is not None and offset < expected_end:
            raise ReadError(
                f"it changed while it was read: {obj.size_bytes} bytes were listed",
                operation="read",
                object=obj.name,
                offset=offset,
                hint="was it rotated? replay a copy that no process writes to",
            )

    def is_compressed(self, obj: SourceObject) -> bool:
        """Return True if the file can only be read from its beginning."""
        return is_compressed(b"".join(self.read_stored(obj, 0, HEAD_BYTES)))

    def _walk(self, folder: str, root: Path) -> Iterator[SourceObject | SkippedObject]:
        with os.scandir(root / folder) as entries:
            # Folders sort with the slash that follows them in the names of their files. Names only: entries would take
            # 1 KB each, for half a million files in a folder.
            found = [entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in entries]
        found.sort(reverse=True)
        while found:
            last = found.pop()
            name = folder + last
            if not name.startswith(self._prefix) and not (last.endswith("/") and self._prefix.startswith(name)):
                continue
            if not _is_decodable(last):
                yield self._refused(_escaped(name), "undecodable name")
            elif last.endswith("/"):
                yield from self._walk_folder(name, root)
            else:
                yield self._listed(name, root)

    def _walk_folder(self, name: str, root: Path) -> Iterator[SourceObject | SkippedObject]:
        try:
            yield from self._walk(name, root)
        except FileNotFoundError:
            yield SkippedObject(name, "vanished")
        except OSError:
            # It is listed as an object that cannot be read, and so counts as failed. Skipped, its logs would be lost.
            yield SourceObject(name)

    def _listed(self, name: str, root: Path) -> SourceObject | SkippedObject:
        path, is_link = f"{root}/{name}", False  # text, as in _open
        try:
            status = os.lstat(path)
            is_link = stat.S_ISLNK(status.st_mode)
            if is_link:
                if not _real(path).is_relative_to(root):
                    return self._refused(name, "link out of the container")
                status = os.stat(path)  # noqa: PTH116 - see _open
        except OSError:
            return SkippedObject(name, "broken link" if is_link else "vanished")
        if stat.S_ISDIR(status.st_mode):
            # Its files are listed under their own folder. Following the link could create a loop.
            return SkippedObject(name, "link to a folder")
        if not stat.S_ISREG(status.st_mode):
            return self._refused(name, "not a regular file")
        return listed(name, status.st_size, file_version(status))

    def _refused(self, name: str, reason: str) -> SourceObject | SkippedObject:
        """Return an object that may be a log and is not read: skipped if the user wants that, else failed when read."""
        if self._skip_unreadable:
            return SkippedObject(name, reason)
        self._unreadable[name] = reason
        return SourceObject(name)

    def _report_replacement(self, obj: SourceObject, opened: os.stat_result) -> None:
        """Warn if the name belongs to another file by now. The file that was listed has been read to its end."""
        try:
            current = os.stat(f"{self._folder}/{obj.name}")  # noqa: PTH116 - see _open
        except OSError:
            return
        if (current.st_dev, current.st_ino) != (opened.st_dev, opened.st_ino):
            log.warning(
                "object was replaced by another file while it was read; the new file is not part of this run",
                object=obj.name,
                hint="was it rotated? replay the logs again",
            )

    def _open(self, obj: SourceObject) -> tuple[int, os.stat_result]:
        """Open a file, unless it is outside the folder. Return its descriptor and status."""
        # Text instead of paths, here and in _report_replacement: with many small files, paths take a tenth of the time.
        if obj.version is not None:
            # A file with the listed inode and time is the listed one, which is inside the folder. To look for links in
            # the path again would take longer than to read a small file.
            try:
                opened, status = _opened(f"{self._folder}/{obj.name}")
            except OSError:
                pass  # it is a link, or the error is raised below
            else:
                if file_version(status) == obj.version:
                    return opened, status
                os.close(opened)
        root = os.path.realpath(self._folder)
        path = os.path.realpath(os.path.join(root, obj.name))  # noqa: PTH118 - see above
        if not path.startswith(root.rstrip("/") + "/"):
            raise PermissionError(None, "it is outside the container")
        return _opened(path)


def _opened(path: str) -> tuple[int, os.stat_result]:
    """Open a regular file that is not a link. Return its descriptor and status."""
    # O_NONBLOCK: opening a pipe that has no writer would block forever.
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    status = os.fstat(opened)
    if not stat.S_ISREG(status.st_mode):
        os.close(opened)
        raise PermissionError(None, "it is not a regular file")
    return opened, status


def _real(path: str | Path) -> Path:
    # For a loop of links, Path.resolve() raises an error; this returns a path that cannot be opened.
    return Path(os.path.realpath(path))


def _is_decodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _escaped(name: str) -> str:
    return os.fsencode(name).decode(errors="backslashreplace")
