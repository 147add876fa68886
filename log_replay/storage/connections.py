"""HTTP connections of libcloud's drivers, with timeouts and streamed downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from libcloud.common.base import Connection
from libcloud.http import LibcloudConnection
from libcloud.storage.drivers.s3 import BaseS3StorageDriver
from requests.adapters import HTTPAdapter
from requests.utils import resolve_proxies

if TYPE_CHECKING:
    from libcloud.storage.base import StorageDriver
    from urllib3.connectionpool import ConnectionPool

CONNECT_SECONDS = 15


class StorageConnection(LibcloudConnection):
    """A connection that applies its timeout to every request, and streams every download.

    libcloud sends uploads and downloads without a timeout, and some of its drivers (Swift) read the whole body of a
    download before they return any of it.

    Attributes:
        response: the response to the last request, or None if there was no response.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]  # libcloud's
        session: Any = self.session
        session.timeout = (CONNECT_SECONDS, session.timeout)
        # Without an ``auth``, requests would send what ~/.netrc has for the host in place of the driver's credentials.
        session.auth = _unchanged
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter())
        self._proxies: dict[str, str] | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request and read its response."""
        self.response = None
        super().request(*args, **kwargs)  # type: ignore[no-untyped-call]  # libcloud's

    def prepared_request(
        self, method: str, url: str, body: Any = None, headers: Any = None, *_flags: Any, **_named_flags: Any
    ) -> None:
        """Send an upload, or a download whose response is streamed."""
        self.response = None
        session: Any = self.session
        headers = self._normalize_headers(headers)  # type: ignore[no-untyped-call]  # libcloud's
        # The session would take twice as long to prepare it.
        request = requests.PreparedRequest()
        request.prepare(
            method=method,
            url=f"{self.host}{url}",
            data=body,
            headers={**session.headers, **headers},
            cookies=session.cookies or None,
            hooks=session.hooks,
        )
        if self._proxies is None:
            # Otherwise requests looks for proxies in all environment variables, three times for each request.
            self._proxies = resolve_proxies(request, session.proxies, session.trust_env)
        self.response = session.send(
            request, stream=method == "GET", verify=self.verification, timeout=session.timeout, proxies=self._proxies
        )


class _Adapter(HTTPAdapter):
    """Looks up the connections to a host once. To do so for each request takes 6 % of the request's CPU time."""

    def __init__(self) -> None:
        super().__init__()
        self._connections: dict[str, ConnectionPool] = {}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> ConnectionPool:
        """Return the connections for a request. The other arguments are the same for all requests of a session."""
        scheme, _, host, *_ = (request.url or "").split("/", 3)
        connections = self._connections.get(scheme + host)
        if connections is None:
            connections = super().get_connection_with_tls_context(request, *args, **kwargs)
            self._connections[scheme + host] = connections
        return connections


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class RangeResponse:
    """A response that treats status 206 as a success.

    Otherwise libcloud looks for an error message in the body, and reads all of the body to find it (Azure).
    """

    status: int

    def success(self) -> bool:
        """Return True if the request succeeded."""
        return self.status == requests.codes.partial_content or super().success()  # type: ignore[misc,no-any-return]


def use_storage_connection(driver: StorageDriver, read_timeout_seconds: float) -> None:
    """Make a driver use ``StorageConnection``; drivers without HTTP connections stay as they are."""
    if not isinstance(getattr(driver, "connection", None), Connection):
        return
    connection: Any = driver.connection
    connection.conn_class = StorageConnection
    connection.rawResponseCls = type("StorageResponse", (RangeResponse, connection.rawResponseCls), {})
    connection.timeout = connection.timeout or read_timeout_seconds
    if isinstance(driver, BaseS3StorageDriver):
        # libcloud would replace two slashes in a row by one, but both are part of an object's name.
        connection.morph_action_hook = lambda action: f"{connection.request_path}{action}"
    # The driver connected in its constructor. Without a connection, it connects again with the next request.
    connection.connection = None


def last_response(driver: StorageDriver) -> requests.Response | None:
    """Return the response to the driver's last request, or None if there was none."""
    connection = getattr(getattr(driver, "connection", None), "connection", None)
    return connection.response if isinstance(connection, StorageConnection) else None
