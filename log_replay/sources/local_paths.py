"""Find the files and folders that paths and patterns stand for, each once."""

from __future__ import annotations

import os
import shlex
import stat
from glob import iglob
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from log_replay.errors import ConfigurationError
from log_replay.sources.patterns import has_magic
from log_replay.spelling import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence


class LocalPaths(NamedTuple):
    """Files that are named themselves or match a pattern, and folders: paths by the names of their objects.

    No file is in one of the folders, and no folder in another one.
    """

    files: Mapping[str, str]
    folders: Mapping[str, str]

    def check(self) -> None:
        """Check that the files are regular and can be read, and that the folders can be listed.

        Raises:
            ConfigurationError: it is not so.
        """
        for path in self.folders.values():
            _check_access(path, os.R_OK | os.X_OK)
        for path in self.files.values():
            _check_file(path)

    def contains(self, path: Path) -> bool:
        """Return True if this is one of the files, or is in one of the folders."""
        real = os.path.realpath(path)
        if any(real == os.path.realpath(file) for file in self.files.values()):
            return True
        return _is_in(real, [os.path.realpath(folder) for folder in self.folders.values()])


def find(typed: Sequence[str], base: str) -> LocalPaths:
    """Return the files and folders for paths and patterns as they were typed.

    Raises:
        ConfigurationError: a path does not exist, or nothing matches a pattern.
    """
    found = {_name(match): full_path(match, base) for match in _matches(typed, base)}
    folders = _outermost({name: path for name, path in found.items() if _is_folder(path)})
    roots = [os.path.realpath(path) for path in folders.values()]
    files = _distinct({name: path for name, path in found.items() if not _is_folder(path)})
    return LocalPaths({name: path for name, path in files.items() if not _is_in(path, roots)}, folders)


def full_path(path: str, base: str) -> str:
    """Return the path of a file for its path below the base."""
    return str(Path(base, Path(path).expanduser()))


def _matches(typed: Sequence[str], base: str) -> Iterator[str]:
    """Yield the paths, with those that match a pattern in its place. The path of an existing file is no pattern."""
    for text in typed:
        path = full_path(text, base)
        if os.path.lexists(path):
            yield text
        elif has_magic(text):
            pattern = str(Path(text).expanduser())
            matches = sorted(iglob(pattern, root_dir=base, recursive=True))  # noqa: PTH207 - keeps "./" and absolute paths
            if not matches:
                raise ConfigurationError("no file matches", operation="list", object=text, hint=_listing(path))
            yield from matches
        else:
            raise _missing(text, path)


def _missing(typed: str, path: str) -> ConfigurationError:
    try:
        Path(path).lstat()
    except FileNotFoundError:
        reason = "No such file or folder"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    else:
        reason = "it was not there a moment ago"
    return ConfigurationError(reason, operation="read", object=typed, hint=_similar(path) or _listing(path))


def _listing(path: str) -> str | None:
    """Return the command that lists the nearest folder that exists."""
    folder = next((parent for parent in Path(path).parents if _is_folder(str(parent))), Path("/"))
    return f"ls {shlex.quote(str(folder))}"


def _similar(path: str) -> str | None:
    folder, name = os.path.split(path.rstrip("/"))
    try:
        return did_you_mean(name, sorted(entry.name for entry in Path(folder).iterdir()))
    except OSError:
        return None


def _name(path: str) -> str:
    """Return the name of an object for its path: the path without empty parts and without ``.``."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    name = "/" * path.startswith("/") + "/".join(parts)
    return os.fsencode(name).decode(errors="backslashreplace")


def _outermost(folders: Mapping[str, str]) -> dict[str, str]:
    """Return the folders without those that are in another one, or are the same."""
    real = {name: os.path.realpath(path) for name, path in _distinct(folders).items()}
    return {
        name: folders[name]
        for name, path in real.items()
        if not _is_in(path, [other for other in real.values() if other != path])
    }


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises an error for a folder without permission


def _distinct(paths: Mapping[str, str]) -> dict[str, str]:
    """Return the paths without further names of the same file."""
    names: dict[str, str] = {}
    for name, path in paths.items():
        names.setdefault(os.path.realpath(path), name)
    return {name: paths[name] for name in names.values()}


def _is_in(path: str, roots: Collection[str]) -> bool:
    real = os.path.realpath(path) if roots else path
    return any(real.startswith(f"{root.rstrip('/')}/") for root in roots)


def _check_file(path: str) -> None:
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise ConfigurationError(error.strerror or "cannot be read", operation="read", object=path) from error
    if not stat.S_ISREG(mode):
        raise ConfigurationError(
            "it is not a regular file",
            operation="read",
            object=path,
            hint="redirect a pipe to standard input: - < PIPE",
        )
    _check_access(path, os.R_OK)


def _check_access(path: str, mode: int) -> None:
    if not os.access(path, mode):
        raise ConfigurationError("Permission denied", operation="read", object=path, hint=f"ls -ld {shlex.quote(path)}")
