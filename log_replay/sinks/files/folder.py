"""A local folder. Files appear complete or not at all, and never outside the folder."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from log_replay.errors import ConfigurationError, DestinationUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space, then run the same command again",
    errno.EDQUOT: "the quota is exceeded: free some space, then run the same command again",
    errno.EFBIG: "the file system or a limit forbids files of this size: use a smaller --batch_size",
    errno.EACCES: "give this user the permission to write there",
    errno.EPERM: "give this user the permission to write there",
    errno.EROFS: "the file system is mounted read-only",
}


class Folder:
    """The container of a LOCAL destination.

    The folder itself may be a symbolic link. Links inside it must not lead out of it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._may_create_root = False

    def check(self, probe: str) -> None:
        """Write a nameless file where the outputs will be written, or in the folder that they will be created in.

        If only the container itself is missing, it is created with the first output.
        """
        folder = self.root
        try:
            self._may_create_root = not os.path.lexists(folder)
            if not (folder.parent if self._may_create_root else folder).is_dir():
                raise ConfigurationError(
                    "the folder does not exist",
                    operation="write",
                    object=str(folder.parent if self._may_create_root else folder),
                    hint='create it, or check "key" and "container" in --destination_config',
                )
            folder = self._path(probe).parent
            while not folder.exists():
                folder = folder.parent
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"\n")
        except DestinationUnavailable as error:
            raise ConfigurationError(error.message, operation="write", object=error.object) from error
        except OSError as error:
            raise ConfigurationError(
                _reason(error), operation="write", object=str(folder), hint=_hint(error)
            ) from error

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if it does not exist."""
        path = self._path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DestinationUnavailable(
                _reason(error), operation="read", object=str(path), hint=_hint(error)
            ) from error

    @contextmanager
    def replacing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a temporary file in the same folder, and rename it when its content is safe on the disk."""
        path = self._path(name)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        try:
            self._create(path.parent)
            with partial.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync(path.parent)
        except OSError as error:
            raise DestinationUnavailable(
                _reason(error), operation="write", object=str(path), hint=_hint(error)
            ) from error
        finally:
            with suppress(OSError):
                partial.unlink()

    def names(self, folder: str, beginning: str, *, nested: bool) -> Iterable[str]:
        """Return the names in a folder whose last part begins with ``beginning``."""
        return [str(path.relative_to(self.root)) for path in self._find(folder, f"{glob.escape(beginning)}*", nested)]

    def delete(self, name: str) -> None:
        """Delete a file."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise DestinationUnavailable(
                _reason(error), operation="delete", object=str(path), hint=_hint(error)
            ) from error

    def require(self) -> None:
        """Do not create the container."""
        self._may_create_root = False

    def clean(self, folder: str, beginning: str, *, nested: bool) -> None:
        """Remove the temporary files that ``replacing`` has left."""
        with suppress(OSError):
            for partial in self._find(folder, f".{glob.escape(beginning)}*.partial", nested):
                partial.unlink()

    def _find(self, folder: str, pattern: str, nested: bool) -> list[Path]:  # noqa: FBT001 - passed on from a keyword
        path = self._path(f"{folder}/{pattern}").parent
        return sorted(path.rglob(pattern) if nested else path.glob(pattern))

    def _path(self, name: str) -> Path:
        path = self.root / name
        if not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(self.root)):
            raise DestinationUnavailable("a link leads out of the container", operation="write", object=str(path))
        return path

    def _create(self, folder: Path) -> None:
        if folder == self.root:
            # A container that existed before was removed during the run, with its files. The run must not continue.
            if not self._may_create_root:
                return
            self._may_create_root = False
        elif folder.is_dir():
            return
        else:
            self._create(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder. Their files are safe without it.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _hint(error: OSError) -> str | None:
    return _HINTS.get(error.errno or 0)
