"""Where logs lie: every libcloud provider, local folders and stdin, read as streams of decompressed bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

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

        Raises:
            ReadError: it could not be read any further, after all retries; ``offset`` is where.
            DamagedObject: its compressed data ends early or is corrupt; ``offset`` is where.
        """
