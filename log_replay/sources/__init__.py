"""Sources: local folders, stdin, ClickHouse and every storage provider of libcloud, read as decompressed bytes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from log_replay.retry import RetryPolicy
from log_replay.sources.wrapped import UnwrappedSource, take_unwrap
from log_replay.storage.local import local_folder
from log_replay.storage.location import Location

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from log_replay.records import SkippedObject, SourceObject


class Source(Protocol):
    """A container with objects to replay."""

    def check(self) -> None:
        """Check that the source can be listed. No object is read.

        Raises:
            ConfigurationError: unknown container, wrong credentials, or missing folder.
        """

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List the objects once, in the order of their names. Objects that are not logs are ``SkippedObject``.

        Raises:
            SourceUnavailable: the listing fails.
        """

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield an object's decompressed bytes from ``start`` up to ``end`` (exclusive), in chunks.

        An empty chunk means that no more data is available at the moment. Several threads can read at the same time.

        Raises:
            ReadError: the object cannot be read from ``offset`` on, even after all retries.
            DamagedObject: the compressed data ends early or is corrupt at ``offset``.
        """

    def read_stored(self, obj: SourceObject, start: int, end: int | None) -> Generator[bytes]:
        """Yield an object's stored bytes from ``start`` up to ``end`` (exclusive), without decompressing them.

        Raises:
            ReadError: the object cannot be read from ``offset`` on, even after all retries.
        """

    def is_compressed(self, obj: SourceObject) -> bool:
        """Return True if the object can only be read from its beginning.

        Raises:
            ReadError: the beginning of the object cannot be read.
        """


def open_source(
    provider: str,
    config: Mapping[str, Any],
    retry_policy: RetryPolicy | None = None,
    *,
    skip_unreadable: bool = False,
) -> Source:
    """Return the source that the options describe. Nothing is connected to before ``check`` or ``objects``.

    Args:
        provider: a libcloud storage provider's constant (``S3``, ``MINIO`` ...), ``LOCAL``, ``STDIN``, ``CLICKHOUSE``
            for rows of a table, or ``PATHS`` for several sources (see ``sources.paths``).
        config: ``container``, ``prefix`` and the provider's own options, such as ``key`` and ``secret``; ``unwrap`` for
            lines that a log collector has wrapped (see ``sources.wrapped``).
        retry_policy: applied to the requests of libcloud's providers, instead of the default one.
        skip_unreadable: skip objects that are never read, such as pipes, instead of listing them.

    Raises:
        ConfigurationError: unknown provider, missing container, or options that the provider does not accept.
    """
    config, unwrap = take_unwrap(config)
    if unwrap:
        return UnwrappedSource(open_source(provider, config, retry_policy, skip_unreadable=skip_unreadable))
    # libcloud is slow to import, and LOCAL and STDIN do not need it.
    if provider == "LOCAL":
        from log_replay.sources.local import LocalSource  # noqa: PLC0415 - see above

        location = Location.parse(config, "source")
        return LocalSource(local_folder(location, "source"), location.prefix, skip_unreadable=skip_unreadable)
    if provider == "STDIN":
        from log_replay.sources.stdin import StdinSource  # noqa: PLC0415 - see above

        return StdinSource(config)
    if provider == "PATHS":
        from log_replay.sources.paths import PathsSource  # noqa: PLC0415 - see above

        open_bucket = partial(open_source, retry_policy=retry_policy, skip_unreadable=skip_unreadable)
        return PathsSource(config, open_bucket, skip_unreadable=skip_unreadable)
    if provider == "CLICKHOUSE":
        from log_replay.sources.clickhouse import ClickHouseSource  # noqa: PLC0415 - see above

        return ClickHouseSource(config, retry_policy or RetryPolicy())
    from log_replay.sources.cloud import CloudSource  # noqa: PLC0415 - see above

    return CloudSource(provider, config, retry_policy or RetryPolicy(), skip_unreadable=skip_unreadable)
