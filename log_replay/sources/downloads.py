"""Read an object's stored bytes from any offset; check that all bytes arrive and belong to one version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from libcloud.storage.base import Object
from libcloud.storage.drivers.s3 import BaseS3StorageDriver

from log_replay.errors import ReadError
from log_replay.retry import TemporaryError
from log_replay.storage.connections import last_response
from log_replay.storage.errors import failure_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import requests
    from libcloud.storage.base import Container, StorageDriver

    from log_replay.records import SourceObject

# Small, because a chunk is lost if the connection fails within it. Daily logs of 100 KB fit into one, which takes 2 to
# 3 % less time than several chunks of 64 KB.
CHUNK_BYTES = 1 << 17
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:(\d+)|\*)")


class Download:
    """A download of one object, which can be opened at any offset.

    libcloud's own streams are not used: they read 5 MB at a time, decode a ``Content-Encoding`` (so that offsets are
    wrong), and accept a body that ends early.

    Args:
        driver: of the provider.
        container: that contains the object.
        obj: the object as it was listed.
        end: where to stop, or None for the end of the object.
        etag: of an earlier download of this object, or an empty string.

    Attributes:
        etag: of the object, if it is known.
    """

    def __init__(
        self, driver: StorageDriver, container: Container, obj: SourceObject, end: int | None, *, etag: str = ""
    ) -> None:
        self._driver = driver
        self._name = obj.name
        self._object = Object(
            obj.name,
            size=obj.size_bytes or 0,
            hash=obj.version or "",
            extra={},
            meta_data={},
            container=container,
            driver=driver,
        )
        self._end = end
        self._size_bytes = obj.size_bytes
        # Only S3 guarantees that the version in a listing is the ETag of a response.
        self.etag = _opaque(obj.version or "") if isinstance(driver, BaseS3StorageDriver) else ""
        self.etag = self.etag or etag
        self._response: requests.Response | None = None

    def open_at(self, offset: int) -> Generator[bytes]:
        """Yield the bytes from ``offset`` up to the end.

        Raises:
            TemporaryError: the download failed or ended early, and can be tried again.
            ReadError: the object cannot be read.
        """
        if self._is_complete(offset):
            return
        try:
            for chunk in self._stream(offset):
                offset += len(chunk)
                yield chunk
        except (ReadError, TemporaryError):
            raise
        except Exception as error:
            failure = failure_of(error, self._response)
            if failure.temporary:
                raise TemporaryError(failure.reason, failure.retry_after_seconds) from error
            raise self._error(failure.reason, offset, failure.hint) from error
        finally:
            if self._response is not None:
                self._response.close()
        if self._size_bytes is not None and not self._is_complete(offset):
            raise TemporaryError("the connection ended early")

    def _stream(self, offset: int) -> Iterator[bytes]:
        stream, begin = self._open(offset)
        if self._response is not None:
            begin = self._check(self._response, offset)
            stream = self._response.raw.stream(CHUNK_BYTES, decode_content=False)
        for chunk in stream:
            # The server may send more than the requested range, on either side.
            wanted = chunk[max(0, offset - begin) : None if self._end is None else max(0, self._end - begin)]
            begin += len(chunk)
            if wanted:
                offset += len(wanted)
                yield wanted
            if self._end is not None and offset >= self._end:
                return

    def _open(self, offset: int) -> tuple[Iterator[bytes], int]:
        """Return the driver's stream, and the offset of its first byte."""
        self._response = None
        try:
            if offset or self._end is not None:
                try:
                    return self._driver.download_object_range_as_stream(self._object, offset, self._end), offset
                except NotImplementedError:
                    # Some drivers do not support ranges. The bytes before the offset are discarded.
                    pass
            return self._driver.download_object_as_stream(self._object), 0
        finally:
            self._response = last_response(self._driver)

    def _check(self, response: requests.Response, offset: int) -> int:
        """Return the offset of a response's first byte, after checking that its version is the one being read."""
        begin, size_bytes = _extent(response)
        etag = _opaque(response.headers.get("ETag", ""))
        if etag and self.etag:
            changed = etag != self.etag
        else:
            changed = None not in {size_bytes, self._size_bytes} and size_bytes != self._size_bytes
        if changed:
            raise self._error("it changed since it was listed", offset, "replay it again when it no longer changes")
        if begin > offset:
            raise TemporaryError("the server sent another range")
        self.etag = etag or self.etag
        self._size_bytes = size_bytes if self._size_bytes is None else self._size_bytes
        return begin

    def _is_complete(self, offset: int) -> bool:
        return any(stop is not None and offset >= stop for stop in (self._size_bytes, self._end))

    def _error(self, reason: str, offset: int, hint: str | None) -> ReadError:
        return ReadError(reason, operation="read", object=self._name, offset=offset, hint=hint)


def _extent(response: requests.Response) -> tuple[int, int | None]:
    """Return the offset of a response's first byte, and the size of the object if the response states it."""
    if found := CONTENT_RANGE.match(response.headers.get("Content-Range", "")):
        return int(found[1]), int(found[2]) if found[2] else None
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')
