"""How drivers of libcloud connect: what its own connection gets wrong for long downloads, mended."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import requests
from libcloud.common.base import Connection
from libcloud.common.google import GoogleAuthType
from libcloud.http import LibcloudConnection
from libcloud.storage.drivers.s3 import BaseS3StorageDriver
from libcloud.storage.providers import DRIVERS, get_driver
from libcloud.storage.types import Provider

from log_replay.errors import ConfigurationError
from log_replay.redaction import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from libcloud.storage.base import StorageDriver

CONNECT_SECONDS = 15


class DownloadConnection(LibcloudConnection):
    """libcloud's connection, whose downloads stream and time out, and which forgets the response before.

    libcloud sends every download without a timeout, and some drivers (Swift) fetch the whole body before they give any
    of it. ``response`` is the last request's, or None if that got none.
    """

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request whose response is read at once."""
        self.response = None
        super().request(*args, **kwargs)  # type: ignore[no-untyped-call]  # libcloud's

    def prepared_request(
        self, method: str, url: str, body: Any = None, headers: Any = None, *_flags: Any, **_named_flags: Any
    ) -> None:
        """Send a request whose response is streamed."""
        self.response = None
        session: Any = self.session
        headers = self._normalize_headers(headers)  # type: ignore[no-untyped-call]  # libcloud's
        request = session.prepare_request(requests.Request(method, f"{self.host}{url}", data=body, headers=headers))
        timeout = (CONNECT_SECONDS, session.timeout)
        self.response = session.send(request, stream=True, verify=self.verification, timeout=timeout)


class RangeResponse:
    """Knows that 206 is a success; else libcloud looks for an error in the body, and reads all of it (Azure)."""

    status: int

    def success(self) -> bool:
        """Return whether the request succeeded."""
        return self.status == requests.codes.partial_content or super().success()  # type: ignore[misc,no-any-return]


def open_driver(provider: str, options: Mapping[str, Any]) -> StorageDriver:
    """Return a provider's driver, which connects as this module says.

    Raises:
        ConfigurationError: the provider is unknown, or does not take the options.
    """
    known = sorted(name for name, value in vars(Provider).items() if name.isupper() and value in DRIVERS)
    if provider not in known:
        near = get_close_matches(provider.upper(), [*known, "STDIN"], cutoff=0.5) or [*known, "STDIN"]
        raise ConfigurationError(f"unknown source provider {provider!r}", hint=f"did you mean {', '.join(near)}?")
    if provider == "GOOGLE_STORAGE" and _asks_in_a_browser(str(options.get("key"))):
        raise ConfigurationError(
            "the GOOGLE_STORAGE source has no key that works unattended",
            hint='give an HMAC key ("GOOG...") or a service account\'s as "key" and "secret"',
        )
    try:
        driver = get_driver(getattr(Provider, provider))(**options)
    except Exception as error:  # noqa: BLE001 - drivers raise anything
        # The driver's own words name the option, but can quote a secret.
        reason = masked(str(getattr(error, "value", error)), provider, options)
        raise ConfigurationError(
            f"the {provider} source does not take its options: {reason or type(error).__name__}",
            hint="see libcloud's documentation of the provider",
        ) from None
    _mend(driver)
    return driver


def last_response(driver: StorageDriver) -> requests.Response | None:
    """Return the response to the driver's last request; None if that got none, or the driver makes no requests."""
    connection = getattr(getattr(driver, "connection", None), "connection", None)
    return connection.response if isinstance(connection, DownloadConnection) else None


def _asks_in_a_browser(key: str) -> bool:
    # And waits for the answer for ever.
    kind: Any = GoogleAuthType
    return bool(kind.guess_type(key) == kind.IA)


def _mend(driver: StorageDriver) -> None:
    if not isinstance(getattr(driver, "connection", None), Connection):
        return
    connection: Any = driver.connection
    connection.conn_class = DownloadConnection
    connection.rawResponseCls = type("DownloadResponse", (RangeResponse, connection.rawResponseCls), {})
    if isinstance(driver, BaseS3StorageDriver):
        # Names may hold two slashes in a row; libcloud would take them for a mistake and leave out one.
        connection.morph_action_hook = lambda action: f"{connection.request_path}{action}"
    # It connected in its constructor, and connects again, as it now should, with the next request.
    connection.connection = None
