"""Rules of the LOCAL provider, the same for sources and destinations.

libcloud's own LOCAL driver is not used: it reads whole files into memory, and can leave its container.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError
from log_replay.spelling import did_you_mean

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from log_replay.records import SourceObject
    from log_replay.storage.location import Location, Side

#: Options that libcloud's LOCAL driver accepts, and that have no effect on files.
IGNORED_OPTIONS = frozenset({"secret", "secure", "host", "port", "ex_use_locking"})
#: Options that have an effect.
OPTIONS = ("key", "container", "prefix")
_FILE_VERSION = re.compile(r"(\d+)\.\d+")


def with_absolute_key(provider: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration whose ``key``, for LOCAL, is an absolute path.

    The names of output files, and the identity of a run, depend on the folder and not on the working directory.
    """
    key = config.get("key")
    if provider != "LOCAL" or not isinstance(key, str) or not key:
        return dict(config)
    return {**config, "key": str(Path(key).absolute())}


def file_version(status: os.stat_result) -> str:
    """Return the version of a file: its modification time and its inode."""
    return f"{status.st_mtime_ns}.{status.st_ino}"


def same_version(one: str | None, other: str | None) -> bool:
    """Return True if two versions of an object can be the same; None is an unknown version.

    A file that was restored with its modification time has another inode and the same content.
    """
    if None in {one, other} or one == other:
        return True
    times = [found[1] for version in (one, other) if (found := _FILE_VERSION.fullmatch(str(version)))]
    return len(times) == 2 and times[0] == times[1]  # noqa: PLR2004 - both are versions of files


def is_replaced(listed: SourceObject, status: os.stat_result) -> bool:
    """Return True if a file is not the one that was listed, for example after a rotation.

    On some network file systems a file can get another inode. Then its time and size are still the same.
    """
    time, _, inode = (listed.version or "").partition(".")
    if not inode or inode == str(status.st_ino):
        return False
    return time != str(status.st_mtime_ns) or listed.size_bytes != status.st_size


def local_folder(location: Location, side: Side) -> Path:
    """Return the folder ``key``/``container``.

    Raises:
        ConfigurationError: there is no key, or an option is unknown.
    """
    options = dict(location.options)
    key = options.pop("key", None)
    if not isinstance(key, str) or not key:
        raise ConfigurationError(
            f"the LOCAL {side} has no key", hint='name the folder that contains the container as "key"'
        )
    if unknown := sorted(options.keys() - IGNORED_OPTIONS):
        raise ConfigurationError(
            f"the LOCAL {side} has no option {', '.join(unknown)}", hint=did_you_mean(unknown[0], OPTIONS)
        )
    return Path(key).absolute() / location.container
