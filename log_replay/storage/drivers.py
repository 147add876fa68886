"""Open the storage drivers of libcloud."""

from __future__ import annotations

from difflib import get_close_matches
from inspect import signature
from typing import TYPE_CHECKING, Any

from libcloud.common.google import GoogleAuthType
from libcloud.storage.drivers.s3 import BaseS3StorageDriver
from libcloud.storage.providers import DRIVERS, get_driver
from libcloud.storage.types import Provider

from log_replay.errors import ConfigurationError
from log_replay.redaction import masked
from log_replay.spelling import did_you_mean
from log_replay.storage.connections import use_storage_connection
from log_replay.storage.location import Location

if TYPE_CHECKING:
    from collections.abc import Mapping

    from libcloud.storage.base import StorageDriver

    from log_replay.storage.location import Side

#: Providers of our own, besides those of libcloud.
OWN_PROVIDERS = {"source": ["CLICKHOUSE", "STDIN"], "destination": ["CLICKHOUSE", "LOGGER", "LRS"]}


def open_driver(
    provider: str, config: Mapping[str, Any], side: Side, read_timeout_seconds: float
) -> tuple[StorageDriver, Location]:
    """Return the driver of a provider, and the container and prefix of the configuration.

    Nothing is sent.

    Args:
        provider: a constant of libcloud, such as ``S3`` or ``MINIO``.
        config: ``container``, ``prefix`` and the driver's options, such as ``key`` and ``secret``.
        side: what messages call it.
        read_timeout_seconds: the longest time without any data from the server.

    Raises:
        ConfigurationError: the provider is unknown, the container is missing, or the driver refuses the options.
    """
    _check_provider(provider, side)
    location = Location.parse(config, side)
    options = location.options
    if provider == "GOOGLE_STORAGE" and _needs_browser(str(options.get("key"))):
        raise ConfigurationError(
            f"the key of the GOOGLE_STORAGE {side} does not work without a browser",
            hint='give an HMAC key ("GOOG...") or a service account\'s as "key" and "secret"',
        )
    driver_type = get_driver(getattr(Provider, provider))
    _check_spelling(options, driver_type, provider, side)
    _check_credentials(options, driver_type, provider, side)
    try:
        driver = driver_type(**options)
    except Exception as error:  # noqa: BLE001 - drivers raise anything
        # The driver's message names the option, but may also contain a secret.
        reason = masked(str(getattr(error, "value", error)), provider, options)
        raise ConfigurationError(
            f"the {provider} {side} does not accept its options: {reason or type(error).__name__}",
            hint="see libcloud's documentation of the provider",
        ) from None
    use_storage_connection(driver, read_timeout_seconds)
    return driver, location


def _check_provider(provider: str, side: Side) -> None:
    known = sorted(name for name, value in vars(Provider).items() if name.isupper() and value in DRIVERS)
    if provider not in known:
        names = [*known, *OWN_PROVIDERS[side]]
        close = get_close_matches(provider.upper(), names, cutoff=0.5) or names
        raise ConfigurationError(f"unknown {side} provider {provider!r}", hint=f"did you mean {', '.join(close)}?")


def _check_spelling(options: Mapping[str, Any], driver_type: type[StorageDriver], provider: str, side: Side) -> None:
    """Check that no option looks like a misspelt one. Most drivers accept every name, and ignore unknown ones."""
    known = {"container", "prefix"}
    for parent in driver_type.__mro__:
        if "__init__" in vars(parent):
            known.update(signature(vars(parent)["__init__"]).parameters)
    for name in sorted(options.keys() - known):
        hint = did_you_mean(name, known)
        # Extension arguments can be read at places that no signature shows.
        if hint and not name.startswith("ex_"):
            raise ConfigurationError(f"the {provider} {side} has no option {name}", hint=hint)


def _check_credentials(options: Mapping[str, Any], driver_type: type[StorageDriver], provider: str, side: Side) -> None:
    """Check that there are credentials. The drivers of S3 and its clones only fail with the first request."""
    if issubclass(driver_type, BaseS3StorageDriver):
        for name in ("key", "secret"):
            if not options.get(name):
                raise ConfigurationError(f"the {provider} {side} has no {name}", hint='give "key" and "secret"')


def _needs_browser(key: str) -> bool:
    # With such a key, libcloud asks the user to open a URL, and waits for input.
    key_types: Any = GoogleAuthType
    return bool(key_types.guess_type(key) == key_types.IA)
