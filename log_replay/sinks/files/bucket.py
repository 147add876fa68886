"""A container of an object store: each object is written to a temporary file, then uploaded with one request."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from libcloud.storage.types import ObjectDoesNotExistError, ObjectHashMismatchError

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.retry import RetryPolicy, TemporaryError
from log_replay.storage.connections import last_response
from log_replay.storage.errors import failure_of
from log_replay.storage.listings import list_container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from libcloud.storage.base import Container, StorageDriver

T = TypeVar("T")

#: A server may need a long time to store a large object before it answers.
READ_TIMEOUT_SECONDS = 300
_NO_RETRIES = RetryPolicy(retries=0)


class Bucket:
    """A container of a libcloud provider.

    Args:
        driver: of the provider.
        container: the name of the container.
        provider: the name of the provider, for messages.
        retry_policy: applied to every request but those of ``check``.
    """

    def __init__(
        self, driver: StorageDriver, container: str, *, provider: str, retry_policy: RetryPolicy | None = None
    ) -> None:
        self._driver = driver
        self._container_name = container
        self._label = f"{provider} {container}"
        self._retry_policy = retry_policy or RetryPolicy()

    def check(self, probe: str) -> None:
        """Write an object of one byte and delete it. If it cannot be deleted, it stays; sources skip it."""
        try:
            self._attempt("find", "", lambda: self._container, _NO_RETRIES)
            with _temporary_file() as (file, path):
                file.write(b"\n")  # an empty file would be sent in chunks, which S3 refuses
                file.flush()
                self._attempt("write", probe, lambda: self._upload(path, probe), _NO_RETRIES)
        except DestinationUnavailable as error:
            raise ConfigurationError(
                error.message, operation=error.operation, object=error.object, hint=error.hint
            ) from error
        with suppress(Exception):
            self._delete(probe)

    def read(self, name: str) -> bytes | None:
        """Return the content of an object, or None if it does not exist."""
        return self._attempt("read", name, lambda: self._download(name), self._retry_policy)

    @contextmanager
    def replacing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a temporary file, and upload it when the context ends."""
        try:
            with _temporary_file() as (file, path):
                yield file
                file.flush()
                self._attempt("write", name, lambda: self._upload(path, name), self._retry_policy)
        except OSError as error:
            raise DestinationUnavailable(
                error.strerror or type(error).__name__,
                operation="write a temporary file in",
                object=tempfile.gettempdir(),
                hint="free some space there, or set TMPDIR",
            ) from error

    def names(self, folder: str, beginning: str, *, nested: bool) -> Iterable[str]:
        """Return the names in a folder whose last part begins with ``beginning``."""
        prefix = "" if folder == "." else f"{folder}/"
        found = self._attempt(
            "list", "", lambda: self._list(prefix if nested else prefix + beginning), self._retry_policy
        )
        return [
            name
            for name in found
            if name.rpartition("/")[2].startswith(beginning) and (nested or "/" not in name.removeprefix(prefix))
        ]

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._attempt("delete", name, lambda: self._delete(name), self._retry_policy)

    def require(self) -> None:
        """Do nothing: a container is never created."""

    def clean(self, folder: str, beginning: str, *, nested: bool) -> None:
        """Do nothing: an object is uploaded with one request, so there are no partial objects."""

    @cached_property
    def _container(self) -> Container:
        return self._driver.get_container(self._container_name)

    def _upload(self, path: str, name: str) -> None:
        try:
            self._driver.upload_object(path, self._container, name, extra={"content_type": "application/octet-stream"})
        except ObjectHashMismatchError:
            # libcloud raises this for some responses with status 400 or 404 too. If the container no longer exists,
            # get_container raises the right error.
            self._driver.get_container(self._container_name)
            raise

    def _list(self, prefix: str) -> list[str]:
        return [found.name for found in list_container(self._driver, self._container, prefix)]

    def _delete(self, name: str) -> None:
        with suppress(ObjectDoesNotExistError):
            self._driver.delete_object(self._driver.get_object(self._container_name, name))

    def _download(self, name: str) -> bytes | None:
        try:
            obj = self._driver.get_object(self._container_name, name)
            return b"".join(self._driver.download_object_as_stream(obj))
        except ObjectDoesNotExistError:
            return None

    def _attempt(self, operation: str, name: str, action: Callable[[], T], retry_policy: RetryPolicy) -> T:
        label = f"{self._label}/{name}".rstrip("/")

        def once() -> T:
            try:
                return action()
            except Exception as error:
                failure = failure_of(error, last_response(self._driver))
                if failure.temporary:
                    raise TemporaryError(failure.reason, failure.retry_after_seconds) from error
                raise DestinationUnavailable(
                    failure.reason, operation=operation, object=label, hint=failure.hint
                ) from error

        try:
            return retry_policy.call(once)
        except TemporaryError as error:
            attempts = f" ({retry_policy.retries + 1} attempts)" if retry_policy.retries else ""
            raise DestinationUnavailable(f"{error}{attempts}", operation=operation, object=label) from error


@contextmanager
def _temporary_file() -> Iterator[tuple[IO[bytes], str]]:
    """Open a temporary file and yield it with its path. On Linux it has no name, so a killed process leaves no file."""
    with tempfile.TemporaryFile() as nameless:
        path = f"/proc/self/fd/{nameless.fileno()}"
        if Path(path).exists():
            yield nameless, path
            return
    with tempfile.NamedTemporaryFile(prefix="log-replay-") as named:
        yield named, named.name
