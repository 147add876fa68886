"""Object stores: every storage provider of libcloud."""

from __future__ import annotations

import warnings
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from libcloud.storage.drivers.s3 import BaseS3StorageDriver

from log_replay.errors import ConfigurationError, ReadError, SourceError, SourceUnavailable
from log_replay.records import SkippedObject, SourceObject
from log_replay.retry import TemporaryError
from log_replay.sources.decompression import HEAD_BYTES, is_compressed, read_decompressed
from log_replay.sources.downloads import Download
from log_replay.sources.listing import Location, listed
from log_replay.sources.resume import resumed
from log_replay.storage.connections import last_response, open_driver
from log_replay.storage.errors import failure_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from libcloud.storage.base import Container, Object

    from log_replay.retry import RetryPolicy

#: Of these libcloud lists the first page only, this many objects, without a word.
FIRST_PAGE_ONLY = {"BACKBLAZE_B2": 100}


class CloudSource:
    """The objects of a container whose names begin with the prefix."""

    def __init__(self, provider: str, config: Mapping[str, Any], retry_policy: RetryPolicy) -> None:
        location = Location.parse(config)
        self._provider = provider
        self._name = location.container
        self._prefix = location.prefix
        self._retry_policy = retry_policy
        self._driver = open_driver(provider, location.driver)
        # S3, and what speaks its language, lists in the order of the names' bytes. Other providers promise no order,
        # or none that libcloud keeps: their listings are sorted here, in memory.
        self._in_order = isinstance(self._driver, BaseS3StorageDriver)

    def check(self) -> None:
        """Find out whether the container is there and its first objects can be listed."""
        try:
            next(self._listing(), None)
        except Exception as error:
            failure = failure_of(error, last_response(self._driver))
            raise ConfigurationError(
                failure.reason, operation="list", object=self._name, hint=failure.hint or "check --source_config"
            ) from error

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List the objects; a listing that breaks off is taken up again behind the last name."""
        listing = self._listed_after if self._in_order else self._sorted_after
        try:
            for found in resumed(listing, "", lambda _, found: found.name, self._retry_policy):
                yield self._listed(found)
        except TemporaryError as interruption:
            raise SourceUnavailable(
                interruption.reason, operation="list", object=self._name, hint="try again later"
            ) from interruption

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield an object's decompressed bytes; a read that breaks off is taken up again where it did."""
        return read_decompressed(partial(self._read_raw, obj), obj.name, start, end)

    def is_compressed(self, obj: SourceObject) -> bool:
        """Return whether byte ranges of the object can only be read from its beginning on."""
        return is_compressed(b"".join(self._read_raw(obj, 0, HEAD_BYTES)))

    @cached_property
    def _container(self) -> Container:
        return self._driver.get_container(self._name)

    def _listing(self) -> Iterator[Object]:
        with warnings.catch_warnings():
            # A driver that cannot ask for a prefix says so; it filters just as well.
            warnings.filterwarnings("ignore", message="Driver .* does not implement native object")
            found = iter(self._driver.iterate_container_objects(self._container, prefix=self._prefix or None))
            first = next(found, None)
        if first is not None:
            yield first
        yield from found

    def _listed_after(self, last: str) -> Generator[Object]:
        try:
            for found in self._listing():
                if found.name > last:
                    yield found
        except Exception as error:
            failure = failure_of(error, last_response(self._driver))
            if failure.passing:
                raise TemporaryError(failure.reason, failure.retry_after_seconds) from error
            raise SourceUnavailable(failure.reason, operation="list", object=self._name, hint=failure.hint) from error

    def _sorted_after(self, _last: str) -> Generator[Object]:
        # When this is interrupted, none of it was given out yet.
        found = sorted(self._listed_after(""), key=lambda found: found.name)
        if len(found) == FIRST_PAGE_ONLY.get(self._provider):
            raise SourceUnavailable(
                f"libcloud lists only the first {len(found)} objects of {self._provider}",
                operation="list",
                object=self._name,
                hint="use the provider S3 with this provider's S3 endpoint as host, or a prefix with fewer objects",
            )
        yield from found

    def _listed(self, found: Object) -> SourceObject | SkippedObject:
        if {".", ".."} & set(found.name.split("/")):
            # HTTP clients resolve these before they ask, so that another object would be read.
            return SkippedObject(found.name, "unreachable name")
        size_bytes = None if found.size is None else int(found.size)
        return listed(found.name, size_bytes, found.hash or found.extra.get("etag"))

    def _read_raw(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        offset = start
        try:
            download = Download(self._driver, self._container, obj, end)
            for chunk in resumed(
                download.open_at, start, lambda offset, chunk: offset + len(chunk), self._retry_policy
            ):
                yield chunk
                offset += len(chunk)
        except TemporaryError as interruption:
            raise ReadError(
                f"{interruption.reason}, {self._retry_policy.retries + 1} times in a row",
                operation="read",
                object=obj.name,
                offset=offset,
                hint="try again later",
            ) from interruption
        except SourceError:
            raise
        except Exception as error:
            failure = failure_of(error, last_response(self._driver))
            raise ReadError(
                failure.reason, operation="read", object=obj.name, offset=offset, hint=failure.hint
            ) from error
