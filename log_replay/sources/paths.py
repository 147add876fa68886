"""Several sources in one: files, folders and patterns of this machine, and buckets. The provider ``PATHS``.

An object has the name that one would type to replay it alone: ``logs/tracking.log``, ``/var/log/tracking.log`` or
``s3://bucket/2026/tracking.log``. So its name is the same whatever else is replayed with it. An object that belongs to
two of the sources is listed once.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay.errors import SourceError
from log_replay.records import SkippedObject
from log_replay.sources.listing import listed
from log_replay.sources.local import LocalSource
from log_replay.sources.local_paths import LocalPaths, find, full_path
from log_replay.sources.patterns import compiled
from log_replay.storage.local import file_version

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Generator, Iterator, Mapping

    from log_replay.records import SourceObject
    from log_replay.sources import Source


def is_local_name(name: str) -> bool:
    """Return True if an object of ``PATHS`` with this name is a file of this machine."""
    return "://" not in name


def local_paths(config: Mapping[str, Any]) -> LocalPaths:
    """Return the files and folders of a configuration of ``PATHS``."""
    return find([place["path"] for place in config["places"] if "path" in place], config["base"])


@dataclass(frozen=True)
class _Part:
    """A folder or a bucket: its source, the label before the names of its objects, and the pattern of their names."""

    label: str
    source: Source
    pattern: re.Pattern[str] | None = None

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        for found in self.source.objects():
            if self.pattern is None or self.pattern.fullmatch(found.name):
                yield replace(found, name=self.label + found.name)


class PathsSource:
    """Files, folders, patterns and buckets as one source.

    Args:
        config: ``base``, the folder of relative paths, and ``places``: each has a ``path``; or the ``label``,
            ``provider``, ``config`` and ``pattern`` of a bucket.
        open_bucket: opens the source of a provider.
        skip_unreadable: see ``open_source``.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        open_bucket: Callable[[str, Mapping[str, Any]], Source],
        *,
        skip_unreadable: bool = False,
    ) -> None:
        self._config = config
        self._skip_unreadable = skip_unreadable
        self._files: Mapping[str, str] = {}
        self._folders: dict[str, _Part] = {}
        self._buckets = [
            _Part(
                place["label"],
                open_bucket(place["provider"], place["config"]),
                compiled(place["pattern"]) if place["pattern"] else None,
            )
            for place in config["places"]
            if "path" not in place
        ]

    def check(self) -> None:
        """Check that files can be read, folders and buckets can be listed, and patterns match something."""
        self._find().check()
        for bucket in self._buckets:
            bucket.source.check()

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List all objects in the order of their names."""
        self._find()
        parts = (part.objects() for part in (*self._folders.values(), *self._buckets))
        last = None
        for found in merge(self._listed_files(), *parts, key=attrgetter("name")):
            if found.name != last:
                yield found
            last = found.name

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield an object's decompressed bytes."""
        source, name = self._known_as(obj.name)
        with _errors_named(name, obj.name):
            yield from source.read(replace(obj, name=name), start, end)

    def read_stored(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        """Yield an object's stored bytes, without decompressing them."""
        source, name = self._known_as(obj.name)
        with _errors_named(name, obj.name):
            yield from source.read_stored(replace(obj, name=name), start, end)

    def is_compressed(self, obj: SourceObject) -> bool:
        """Return True if the object can only be read from its beginning."""
        source, name = self._known_as(obj.name)
        with _errors_named(name, obj.name):
            return source.is_compressed(replace(obj, name=name))

    def _known_as(self, name: str) -> tuple[Source, str]:
        """Return the source of an object, and its name there. If a file that was named is a link, it is followed."""
        parts = self._folders.values() if is_local_name(name) else self._buckets
        around = [part for part in parts if name.startswith(part.label)]
        if name in self._files or not around:
            path = Path(os.path.realpath(self._files.get(name) or full_path(name, self._config["base"])))
            return LocalSource(path.parent), path.name
        part = max(around, key=lambda part: len(part.label))
        return part.source, name.removeprefix(part.label)

    def _find(self) -> LocalPaths:
        found = local_paths(self._config)
        self._files = found.files
        for name, path in found.folders.items():
            label = f"{name.rstrip('/')}/" if name else ""
            source = LocalSource(Path(path), skip_unreadable=self._skip_unreadable)
            self._folders.setdefault(label, _Part(label, source))
        return found

    def _listed_files(self) -> Iterator[SourceObject | SkippedObject]:
        for name, path in sorted(self._files.items()):
            try:
                status = Path(path).stat()
            except OSError:
                yield SkippedObject(name, "vanished")
            else:
                yield listed(name, status.st_size, file_version(status))


@contextmanager
def _errors_named(inner: str, outer: str) -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        if error.object == inner:
            error.object = outer
        raise
