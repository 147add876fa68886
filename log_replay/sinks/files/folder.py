"""A local folder as a store: files appear whole or not at all, and nowhere outside the folder."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError, DestinationUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What libcloud's LOCAL driver accepts beside ``key``; none of it means anything to us.
_IGNORED_KEYS = frozenset({"secret", "secure", "host", "port", "ex_use_locks"})

_HINTS = {
    errno.ENOSPC: "the disk is full: make room, then run the same command again",
    errno.EDQUOT: "the quota is used up: make room, then run the same command again",
    errno.EFBIG: "the file system or a limit allows no file of this size: use a smaller --batch_size",
    errno.EACCES: "give this user the right to write there",
    errno.EPERM: "give this user the right to write there",
    errno.EROFS: "the file system is mounted read-only",
}


class Folder:
    """The folder that a ``LOCAL`` configuration calls ``key/container``.

    The container itself may be a link; what is inside may not lead out of it.
    """

    def __init__(self, config: Mapping[str, Any], container: str) -> None:
        unknown = sorted(set(config) - _IGNORED_KEYS - {"key"})
        if unknown:
            raise ConfigurationError(f"LOCAL does not know {', '.join(unknown)}", operation="open the destination")
        key = config.get("key")
        if not isinstance(key, str) or not key:
            raise ConfigurationError(
                "LOCAL needs a key",
                operation="open the destination",
                hint='"key" is the path of the folder that holds the container',
            )
        if "/" in container or container in {".", ".."}:
            raise ConfigurationError(
                f"a LOCAL container is the name of one folder, not {container!r}",
                operation="open the destination",
                hint='put the folders above it into "key", those below it into "prefix"',
            )
        self.root = Path(key).absolute() / container

    def check(self, probe: str) -> None:
        """Write a nameless file where the outputs will go."""
        folder = self.root
        try:
            if not folder.is_dir():
                raise ConfigurationError(
                    "the container does not exist", operation="write", object=str(folder), hint="create the folder"
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
        """Return a file's content."""
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
        """Give a temporary file beside the final one, which is renamed once it is safe on the disk."""
        path = self._path(name)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        try:
            self._make(path.parent)
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

    def clean(self, name: str) -> None:
        """Remove the temporary files of this file; their names end as ``replacing`` gives them."""
        path = self._path(name)
        with suppress(OSError):
            for partial in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
                partial.unlink()

    def _path(self, name: str) -> Path:
        path = self.root / name
        if not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(self.root)):
            raise DestinationUnavailable("a link leads out of the container", operation="write", object=str(path))
        return path

    def _make(self, folder: Path) -> None:
        # The container itself is never created: if it has gone, it was taken away, with what it held.
        if folder == self.root or folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync folders; their files are safe without.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def _unavailable(operation: str, path: Path, error: OSError) -> DestinationUnavailable:
    return DestinationUnavailable(_reason(error), operation=operation, object=str(path), hint=_hint(error))


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _hint(error: OSError) -> str | None:
    return _HINTS.get(error.errno or 0)
