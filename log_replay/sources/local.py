"""Folders of this machine. libcloud's driver reads whole files into memory and leaves its container; this does not."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError, ReadError, SourceUnavailable
from log_replay.records import SkippedObject, SourceObject
from log_replay.sources.decompression import CHUNK_BYTES, HEAD_BYTES, is_compressed, read_decompressed
from log_replay.sources.listing import Location, listed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

#: What libcloud's LOCAL driver takes and has no meaning for files.
IGNORED_OPTIONS = frozenset({"secret", "secure", "host", "port", "ex_use_locking"})


class LocalSource:
    """The files in ``key``/``container`` whose names, relative to it, begin with the prefix."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        location = Location.parse(config)
        options = dict(location.driver)
        key = options.pop("key", None)
        if not isinstance(key, str) or not key:
            raise ConfigurationError(
                "the LOCAL source has no key", hint='name the folder that holds the container as "key"'
            )
        if "/" in location.container or location.container in {".", ".."}:
            raise ConfigurationError(
                f"the LOCAL source's container {location.container!r} is not the name of a single folder",
                hint='"container" is a folder in the folder "key"; what is below it goes into "prefix"',
            )
        if unknown := sorted(options.keys() - IGNORED_OPTIONS):
            raise ConfigurationError(f"the LOCAL source has no option {', '.join(unknown)}")
        self._folder = Path(key, location.container)
        self._prefix = location.prefix

    def check(self) -> None:
        """Find out whether the folder is there and can be listed."""
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
        """List the files in the order of their whole names, as an object store would."""
        try:
            yield from self._walk("", self._folder.resolve(strict=True))
        except OSError as error:
            raise SourceUnavailable(
                error.strerror or "cannot be listed", operation="list", object=str(self._folder)
            ) from error

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield a file's decompressed bytes."""
        return read_decompressed(partial(self._read_raw, obj), obj.name, start, end)

    def is_compressed(self, obj: SourceObject) -> bool:
        """Return whether byte ranges of the file can only be read from its beginning on."""
        return is_compressed(b"".join(self._read_raw(obj, 0, HEAD_BYTES)))

    def _walk(self, folder: str, root: Path) -> Iterator[SourceObject | SkippedObject]:
        with os.scandir(root / folder) as entries:
            # A folder's name counts with the slash that its files' names have after it.
            found = sorted((entry.name + "/" * entry.is_dir(follow_symlinks=False), entry) for entry in entries)
        for last, entry in found:
            name = folder + last
            if not name.startswith(self._prefix) and not (last.endswith("/") and self._prefix.startswith(name)):
                continue
            if not _is_text(last):
                yield SkippedObject(_spelled_out(name), "undecodable name")
            elif last.endswith("/"):
                yield from self._walk_folder(name, root)
            else:
                yield self._listed(name, entry, root)

    def _walk_folder(self, name: str, root: Path) -> Iterator[SourceObject | SkippedObject]:
        try:
            yield from self._walk(name, root)
        except FileNotFoundError:
            yield SkippedObject(name, "vanished")
        except OSError:
            # As an object that cannot be read, it counts as failed; to skip it would be to lose it.
            yield SourceObject(name)

    def _listed(self, name: str, entry: os.DirEntry[str], root: Path) -> SourceObject | SkippedObject:
        if entry.is_symlink() and not _real(entry.path).is_relative_to(root):
            return SkippedObject(name, "link out of the container")
        try:
            status = entry.stat()
        except OSError:
            return SkippedObject(name, "broken link" if entry.is_symlink() else "vanished")
        if stat.S_ISDIR(status.st_mode):
            # What it holds is listed where it really lies; to follow it could go round in circles.
            return SkippedObject(name, "link to a folder")
        if not stat.S_ISREG(status.st_mode):
            return SkippedObject(name, "no regular file")
        return listed(name, status.st_size, str(status.st_mtime_ns))

    def _read_raw(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        offset = start
        try:
            with os.fdopen(self._open(obj.name), "rb", buffering=0) as file:
                file.seek(offset)
                while end is None or offset < end:
                    chunk = file.read(CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - offset))
                    if not chunk:
                        break
                    offset += len(chunk)
                    yield chunk
        except OSError as error:
            raise ReadError(
                error.strerror or "cannot be read", operation="read", object=obj.name, offset=offset
            ) from error
        # A file may have grown since it was listed; one that was cut off, as by copytruncate, lost lines.
        promised = obj.size_bytes if end is None or obj.size_bytes is None else min(end, obj.size_bytes)
        if promised is not None and offset < promised:
            raise ReadError(
                f"it changed while it was read: {obj.size_bytes} bytes were listed",
                operation="read",
                object=obj.name,
                offset=offset,
                hint="was it rotated? replay a copy that nothing writes to",
            )

    def _open(self, name: str) -> int:
        root = self._folder.resolve()
        path = _real(root / name)
        if not path.is_relative_to(root):
            raise PermissionError(None, "it lies outside the container")
        # Without waiting: a pipe without a writer would block for ever.
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise PermissionError(None, "it is no regular file")
        return opened


def _real(path: str | Path) -> Path:
    # Path.resolve() raises on links that go round in circles; this gives a path that cannot be opened.
    return Path(os.path.realpath(path))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _spelled_out(name: str) -> str:
    return os.fsencode(name).decode(errors="backslashreplace")
