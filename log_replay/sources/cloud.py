"""Object stores: every storage provider of libcloud but LOCAL."""

from __future__ import annotations

import threading
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from libcloud.storage.base import Container
from libcloud.storage.drivers.s3 import BaseS3StorageDriver

from log_replay.errors import ConfigurationError, ReadError, SourceError, SourceUnavailable
from log_replay.records import SkippedObject, SourceObject
from log_replay.retry import TemporaryError
from log_replay.sources.codecs import HEAD_BYTES, is_compressed
from log_replay.sources.decompression import read_decompressed
from log_replay.sources.downloads import Download
from log_replay.sources.listing import listed, unreadable
from log_replay.sources.resume import interrupted, resumed
from log_replay.storage.connections import last_response
from log_replay.storage.drivers import open_driver
from log_replay.storage.errors import failure_of
from log_replay.storage.listings import list_container

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from libcloud.storage.base import Object, StorageDriver

    from log_replay.retry import RetryPolicy
    from log_replay.storage.location import Location

#: Providers of which libcloud lists only the first page, without a warning, and the size of that page.
FIRST_PAGE_ONLY = {"BACKBLAZE_B2": 100}
#: More than the number of objects that are read at the same time.
KEPT_ETAGS = 1000
_UNREACHABLE = "unreachable name"


class CloudSource:
    """The objects of a container whose names begin with the prefix.

    Args:
        provider: a constant of libcloud.
        config: as for ``open_source``.
        retry_policy: applied to listings and reads that make no progress.
        skip_unreadable: skip objects whose names HTTP clients change, instead of listing them.
        read_timeout_seconds: the longest time without any data from the server.
    """

    def __init__(
        self,
        provider: str,
        config: Mapping[str, Any],
        retry_policy: RetryPolicy,
        *,
        skip_unreadable: bool = False,
        read_timeout_seconds: float = 60,
    ) -> None:
        self._opened = _DriverOfThread(partial(open_driver, provider, config, "source", read_timeout_seconds))
        location = self._opened.location
        self._provider = provider
        self._container_name = location.container
        self._prefix = location.prefix
        self._retry_policy = retry_policy
        self._skip_unreadable = skip_unreadable
        self._etags = _RecentETags()
        # S3 and its clones list in the order of the bytes of the names. Other providers guarantee no order, or libcloud
        # does not keep it: their listings are sorted in memory.
        self._in_order = isinstance(self._driver, BaseS3StorageDriver)

    def check(self) -> None:
        """Check that the container exists and that its first objects can be listed."""
        try:
            next(self._listing(), None)
        except Exception as error:  # noqa: BLE001 - raised as our own
            failure = failure_of(error, last_response(self._driver))
            raise ConfigurationError(
                failure.reason,
                operation="list",
                object=self._container_name,
                hint=failure.hint or "check --source_config",
            ) from (TemporaryError(failure.reason) if failure.temporary else error)

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List the objects. An interrupted listing is resumed after the last name."""
        listing = self._listed_after if self._in_order else self._sorted_after
        try:
            for found in resumed(listing, "", lambda _, found: found.name, self._retry_policy):
                yield self._listed(found)
        except TemporaryError as interruption:
            raise SourceUnavailable(
                interruption.reason, operation="list", object=self._container_name, hint="try again later"
            ) from interruption

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield an object's decompressed bytes. An interrupted read is resumed at its offset."""
        return read_decompressed(partial(self.read_stored, obj), obj.name, start, end)

    def read_stored(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        """Yield an object's stored bytes, without decompressing them. An interrupted read is resumed at its offset."""
        if _is_unreachable(obj.name):
            raise unreadable(obj.name, _UNREACHABLE)
        offset = start
        try:
            download = Download(self._driver, self._container, obj, end, etag=self._etags.get(obj.name))
            for chunk in resumed(
                download.open_at, start, lambda offset, chunk: offset + len(chunk), self._retry_policy
            ):
                self._etags.add(obj.name, download.etag)
                yield chunk
                offset += len(chunk)
        except TemporaryError as interruption:
            raise interrupted(obj, offset, interruption, self._retry_policy) from interruption
        except SourceError:
            raise
        except Exception as error:
            failure = failure_of(error, last_response(self._driver))
            raise ReadError(
                failure.reason, operation="read", object=obj.name, offset=offset, hint=failure.hint
            ) from error

    def is_compressed(self, obj: SourceObject) -> bool:
        """Return True if the object can only be read from its beginning."""
        return is_compressed(b"".join(self.read_stored(obj, 0, HEAD_BYTES)))

    @property
    def _driver(self) -> StorageDriver:
        return self._opened.driver

    @cached_property
    def _found_container(self) -> Container:
        return self._driver.get_container(self._container_name)

    @property
    def _container(self) -> Container:
        found = self._found_container
        if found.driver is self._driver:
            return found
        return Container(found.name, found.extra, self._driver)

    def _listing(self) -> Iterator[Object]:
        return list_container(self._driver, self._container, self._prefix)

    def _listed_after(self, last: str) -> Generator[Object]:
        try:
            for found in self._listing():
                if found.name > last:
                    yield found
        except Exception as error:
            failure = failure_of(error, last_response(self._driver))
            if failure.temporary:
                raise TemporaryError(failure.reason, failure.retry_after_seconds) from error
            raise SourceUnavailable(
                failure.reason, operation="list", object=self._container_name, hint=failure.hint
            ) from error

    def _sorted_after(self, _last: str) -> Generator[Object]:
        # An interruption comes before the first object is yielded, so the listing starts again from its beginning.
        found = sorted(self._listed_after(""), key=lambda found: found.name)
        if len(found) == FIRST_PAGE_ONLY.get(self._provider):
            raise SourceUnavailable(
                f"libcloud lists only the first {len(found)} objects of {self._provider}",
                operation="list",
                object=self._container_name,
                hint="use the provider S3 with this provider's S3 endpoint as host, or a prefix with fewer objects",
            )
        yield from found

    def _listed(self, found: Object) -> SourceObject | SkippedObject:
        if self._skip_unreadable and _is_unreachable(found.name):
            return SkippedObject(found.name, _UNREACHABLE)
        size_bytes = None if found.size is None else int(found.size)
        return listed(found.name, size_bytes, found.hash or found.extra.get("etag"))


class _DriverOfThread(threading.local):
    """A driver for each thread, since a driver keeps the response to its last request."""

    def __init__(self, open_one: Callable[[], tuple[StorageDriver, Location]]) -> None:
        self.driver, self.location = open_one()


class _RecentETags:
    """The ETags of the objects that were read last. An object is read several times if it has several units."""

    def __init__(self) -> None:
        self._etags: dict[str, str] = {}

    def get(self, name: str) -> str:
        """Return the ETag of an object, or an empty string."""
        return self._etags.get(name, "")

    def add(self, name: str, etag: str) -> None:
        """Keep the ETag of an object."""
        if self._etags.get(name) != etag:
            if len(self._etags) >= KEPT_ETAGS:
                self._etags.clear()
            self._etags[name] = etag


def _is_unreachable(name: str) -> bool:
    # HTTP clients resolve these parts before they send a request, and would read another object.
    return bool({".", ".."} & set(name.split("/")))
