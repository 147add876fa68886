"""Open the file sink of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError
from log_replay.sinks.files.compression import SUFFIXES
from log_replay.sinks.files.folder import Folder
from log_replay.sinks.files.layouts import read_layout
from log_replay.sinks.files.sink import FileSink
from log_replay.storage.local import local_folder
from log_replay.storage.location import Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.retry import RetryPolicy
    from log_replay.sinks.files.store import Store


def open_files(
    provider: str, config: Mapping[str, Any], *, transformer_type: str, key: str, lrs_urls: Sequence[str] | None = None
) -> FileSink:
    """Open the file sink of ``LOCAL`` or of another libcloud provider.

    Raises:
        ConfigurationError: the provider is unknown, or the configuration is not valid.
    """
    if lrs_urls:
        raise ConfigurationError(f"--lrs_urls has no effect on {provider}")
    return file_sink(provider, config, transformer_type=transformer_type, key=key)


def file_sink(
    provider: str,
    config: Mapping[str, Any],
    *,
    transformer_type: str,
    key: str,
    retry_policy: RetryPolicy | None = None,
) -> FileSink:
    """Return the file sink of a provider.

    Args:
        provider: ``LOCAL`` or another libcloud provider.
        config: ``container``, ``prefix``, ``compression``, ``format``, ``layout``, and the provider's own options.
        transformer_type: ``xapi`` or ``caliper``.
        key: the run's key.
        retry_policy: replaces the default one.

    Raises:
        ConfigurationError: the provider is unknown, or the configuration is not valid.
    """
    options = dict(config)
    name = _string(options, "layout") or "plain"
    output_format = _string(options, "format") or ("rows" if name == "aspects" else "statements")
    compression = options.pop("compression", "zstd" if name == "aspects" else None)
    if not isinstance(compression, str | None) or compression not in SUFFIXES:
        raise ConfigurationError(f"unknown compression {compression!r}", hint="gzip or zstd")
    layout = read_layout(output_format, name, transformer_type=transformer_type, compression=compression)
    store, prefix = _open_store(provider, options, retry_policy)
    if {".", ".."} & set(prefix.split("/")) or "\0" in prefix:
        raise ConfigurationError(f"the prefix {prefix!r} is not a valid path")
    return FileSink(store, transformer_type=transformer_type, key=key, prefix=prefix.strip("/"), layout=layout)


def _string(options: dict[str, Any], name: str) -> str:
    value = options.pop(name, None) or ""
    if not isinstance(value, str):
        raise ConfigurationError(f"the {name} of the destination is not a string")
    return value


def _open_store(provider: str, config: Mapping[str, Any], retry_policy: RetryPolicy | None) -> tuple[Store, str]:
    """Return the container of a configuration, and the prefix."""
    if provider == "LOCAL":
        location = Location.parse(config, "destination")
        return Folder(local_folder(location, "destination")), location.prefix
    # libcloud is slow to import, and LOCAL does not need it.
    from log_replay.sinks.files.bucket import READ_TIMEOUT_SECONDS, Bucket  # noqa: PLC0415
    from log_replay.storage.drivers import open_driver  # noqa: PLC0415

    driver, location = open_driver(provider, config, side="destination", read_timeout_seconds=READ_TIMEOUT_SECONDS)
    return Bucket(driver, location.container, provider=provider, retry_policy=retry_policy), location.prefix
