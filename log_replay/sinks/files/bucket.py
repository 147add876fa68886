"""Any other libcloud provider as a store: each object is spooled to a local file, then put in one request."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import requests
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.http import LibcloudConnection
from libcloud.storage.providers import DRIVERS, get_driver
from libcloud.storage.types import (
    ContainerDoesNotExistError,
    InvalidContainerNameError,
    ObjectDoesNotExistError,
    ObjectHashMismatchError,
    Provider,
)
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.retry import RetryPolicy, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from libcloud.storage.base import Container, StorageDriver

T = TypeVar("T")

_TIMEOUT_SECONDS = (10, 300)
_CHECK_WITHOUT_RETRIES = RetryPolicy(retries=0)

#: What libcloud's drivers raise: its own two trees, requests', urllib3's and sockets' errors, what parsers trip over.
_FOREIGN = (LibcloudError, BaseHTTPError, HTTPError, OSError, ValueError, KeyError, AttributeError)
_LONGEST_REASON = 200


class _TimedAdapter(HTTPAdapter):
    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = kwargs.get("timeout") or _TIMEOUT_SECONDS
        return super().send(*args, **kwargs)


class _TimedConnection(LibcloudConnection):
    """libcloud uploads without any timeout; this sets one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]  # libcloud's
        session: requests.Session = self.session  # type: ignore[assignment]  # set by its constructor
        for scheme in ("http://", "https://"):
            if type(session.get_adapter(scheme)) is HTTPAdapter:
                session.mount(scheme, _TimedAdapter())


class Bucket:
    """A container of a libcloud provider."""

    def __init__(
        self, provider: str, config: Mapping[str, Any], container: str, *, retry_policy: RetryPolicy | None = None
    ) -> None:
        self._driver = _driver(provider, config)
        self._container_name = container
        self._place = f"{provider} {container}"
        self._retry_policy = retry_policy or RetryPolicy()

    def check(self, probe: str) -> None:
        """Put an object of one byte and delete it; where deleting is forbidden it stays, and sources skip it."""
        try:
            self._attempt("find", "", lambda: self._container, _CHECK_WITHOUT_RETRIES)
            with _spool() as (spool, path):
                spool.write(b"\n")  # without any, it would be sent in chunks, which S3 refuses
                spool.flush()
                self._attempt("write", probe, lambda: self._put(path, probe), _CHECK_WITHOUT_RETRIES)
        except DestinationUnavailable as error:
            raise ConfigurationError(
                error.message, operation=error.operation, object=error.object, hint=error.hint
            ) from None
        with suppress(*_FOREIGN):
            self._driver.delete_object(self._driver.get_object(self._container_name, probe))

    def read(self, name: str) -> bytes | None:
        """Return an object's content."""
        return self._attempt("read", name, lambda: self._get(name), self._retry_policy)

    @contextmanager
    def replacing(self, name: str) -> Iterator[IO[bytes]]:
        """Give a local file that is put, again and again if need be, when it is filled."""
        try:
            with _spool() as (spool, path):
                yield spool
                spool.flush()
                self._attempt("write", name, lambda: self._put(path, name), self._retry_policy)
        except OSError as error:
            raise DestinationUnavailable(
                error.strerror or type(error).__name__,
                operation="spool",
                object=tempfile.gettempdir(),
                hint="make room there, or set TMPDIR",
            ) from error

    def clean(self, name: str) -> None:
        """Do nothing: an object is put in one request, so that there is all of it or nothing."""

    @cached_property
    def _container(self) -> Container:
        return self._driver.get_container(self._container_name)

    def _put(self, path: str, name: str) -> None:
        try:
            self._driver.upload_object(path, self._container, name, extra={"content_type": "application/octet-stream"})
        except ObjectHashMismatchError:
            # libcloud takes some answers of 400 and 404 for this; if the container has gone, asking for it says so.
            self._driver.get_container(self._container_name)
            raise

    def _get(self, name: str) -> bytes | None:
        try:
            obj = self._driver.get_object(self._container_name, name)
            return b"".join(self._driver.download_object_as_stream(obj))
        except ObjectDoesNotExistError:
            return None

    def _attempt(self, operation: str, name: str, action: Callable[[], T], retry_policy: RetryPolicy) -> T:
        def once() -> T:
            try:
                return action()
            except _FOREIGN as error:
                raise self._translated(error, operation, name) from None

        try:
            return retry_policy.call(once)
        except TemporaryError as error:
            tries = f" ({retry_policy.retries + 1} attempts)" if retry_policy.retries else ""
            raise DestinationUnavailable(
                f"{error}{tries}", operation=operation, object=f"{self._place}/{name}".rstrip("/")
            ) from None

    def _translated(self, error: Exception, operation: str, name: str) -> Exception:
        if isinstance(error, ContainerDoesNotExistError | InvalidContainerNameError):
            reason, hint = "the container does not exist", "create it first"
        elif isinstance(error, InvalidCredsError):
            reason, hint = "access denied", "check key and secret, and that they may read and write in this container"
        elif isinstance(error, LibcloudError) and "different region" in str(error.value):
            reason, hint = _text(error), 'set "region" to the one of the container'
        else:
            return _unavailable(error)
        return DestinationUnavailable(
            reason, operation=operation, object=f"{self._place}/{name}".rstrip("/"), hint=hint
        )


@contextmanager
def _spool() -> Iterator[tuple[IO[bytes], str]]:
    """Give a temporary file and its path; on Linux it has no name that a killed process could leave behind."""
    with tempfile.TemporaryFile() as nameless:
        path = f"/proc/self/fd/{nameless.fileno()}"
        if Path(path).exists():
            yield nameless, path
            return
    with tempfile.NamedTemporaryFile(prefix="log-replay-") as named:
        yield named, named.name


def _unavailable(error: Exception) -> TemporaryError:
    if isinstance(error, requests.Timeout):
        return TemporaryError("no answer in time")
    if isinstance(error, requests.ConnectionError):
        return TemporaryError("no connection")
    if isinstance(error, BaseHTTPError):
        seconds = str((error.headers or {}).get("retry-after", ""))
        return TemporaryError(f"HTTP status {error.code}", float(seconds) if seconds.isdecimal() else 0)
    if isinstance(error, ObjectHashMismatchError):
        return TemporaryError("it did not arrive as it was sent")
    if isinstance(error, LibcloudError):
        return TemporaryError(_text(error))
    return TemporaryError(type(error).__name__)


def _text(error: LibcloudError) -> str:
    # What quotes an answer's body (markup) is not for messages: it can hold what the request was signed by.
    text = str(error.value)
    return text[:_LONGEST_REASON] if text and "<" not in text else type(error).__name__


def _driver(provider: str, config: Mapping[str, Any]) -> StorageDriver:
    constant = getattr(Provider, provider, None) if provider.isupper() else None
    if constant not in DRIVERS:
        raise ConfigurationError(
            f"unknown provider {provider!r}",
            operation="open the destination",
            hint="LOGGER, LRS, LOCAL, or another storage provider of Apache Libcloud, such as S3 or MINIO",
        )
    try:
        driver = get_driver(constant)(**config)
    except (TypeError, ValueError, ImportError, LibcloudError, AttributeError) as error:
        quotes = any(str(config.get(name)) in str(error) for name in ("secret", "token", "key") if config.get(name))
        reason = type(error).__name__ if quotes else str(getattr(error, "value", error))
        raise ConfigurationError(
            f"{provider} does not accept this configuration: {reason}", operation="open the destination"
        ) from None
    if getattr(driver, "connection", None) is not None:
        driver.connection.conn_class = _TimedConnection
        driver.connection.connection = None  # connect anew, by the above
    return driver
