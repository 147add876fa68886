"""Where logs lie: every libcloud provider, local folders and stdin, read as streams of decompressed bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from log_replay.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from log_replay.records import SkippedObject, SourceObject


class Source(Protocol):
    """A place with objects to replay."""

    def check(self) -> None:
        """Find out whether the source can be listed, without reading any object.

        Raises:
            ConfigurationError: an unknown container, wrong credentials, a missing folder.
        """

    def objects(self) -> Iterator[SourceObject | SkippedObject]:
        """List once, streamed, in name order; what is not a log comes as ``SkippedObject``.

        Raises:
            SourceUnavailable: the listing breaks off.
        """

    def read(self, obj: SourceObject, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield an object's decompressed bytes from ``start`` up to ``end`` (exclusive), in chunks.

        An empty chunk says that no more is waiting at the moment.

        Raises:
            ReadError: it could not be read any further, after all retries; ``offset`` is where.
            DamagedObject: its compressed data ends early or is corrupt; ``offset`` is where.
        """

    def is_compressed(self, obj: SourceObject) -> bool:
        """Return whether byte ranges of the object can only be read from its beginning on.

        Raises:
            ReadError: its beginning cannot be read.
        """


def open_source(provider: str, config: Mapping[str, Any]) -> Source:
    """Return the source that the options describe; nothing is connected to before it is checked or listed.

    Args:
        provider: a libcloud storage provider's constant (``S3``, ``MINIO`` ...), ``LOCAL`` or ``STDIN``.
        config: ``container``, ``prefix`` and the provider's own options, among them ``key`` and ``secret``.

    Raises:
        ConfigurationError: an unknown provider, a missing container, options that the provider does not take.
    """
    # Only what is asked for is imported: libcloud takes a while, and a folder or a pipe does without.
    if provider == "LOCAL":
        from log_replay.sources.local import LocalSource  # noqa: PLC0415 - see above

        return LocalSource(config)
    if provider == "STDIN":
        from log_replay.sources.stdin import StdinSource  # noqa: PLC0415 - see above

        return StdinSource(config)
    from log_replay.sources.cloud import CloudSource  # noqa: PLC0415 - see above

    return CloudSource(provider, config, RetryPolicy())
