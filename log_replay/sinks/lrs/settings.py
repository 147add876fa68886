"""The settings in ``--destination_config`` for sending to LRSs, whatever the routes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMPRESSIONS = (None, "gzip")


@dataclass(frozen=True)
class LrsSettings:
    """The settings for sending to LRSs.

    Args:
        timeout_seconds: how long to wait for data; a whole request may take ten times as long.
        concurrency: the number of requests at the same time to each route.
        max_rate: the average number of statements a second to each route; None for no limit.
        verify: verify TLS certificates; or the path of the trusted certificates.
        compression: ``gzip`` to compress requests if the LRS accepts that.
    """

    timeout_seconds: float = 60
    concurrency: int = 1
    max_rate: float | None = None
    verify: bool | str = True
    compression: str | None = None


def read_settings(config: Mapping[str, Any]) -> tuple[LrsSettings, dict[str, Any]]:
    """Return the settings of a configuration, and the rest of the configuration.

    Raises:
        ConfigurationError: a value is not valid.
    """
    rest = dict(config)
    settings = LrsSettings(
        timeout_seconds=_positive(rest, "timeout_seconds", 60),
        concurrency=_concurrency(rest),
        max_rate=_positive(rest, "max_rate", 1) if rest.get("max_rate") is not None else rest.pop("max_rate", None),
        verify=_verify(rest),
        compression=rest.pop("compression", None),
    )
    if settings.compression not in _COMPRESSIONS:
        raise _invalid("compression must be gzip, or not given")
    return settings, rest


def _positive(rest: dict[str, Any], name: str, default: float) -> float:
    value = rest.pop(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise _invalid(f"{name} must be a positive number")
    return value


def _concurrency(rest: dict[str, Any]) -> int:
    value = rest.pop("lrs_concurrency", 1)
    if type(value) is not int or value < 1:
        raise _invalid("lrs_concurrency must be a whole number, 1 or more")
    return value


def _verify(rest: dict[str, Any]) -> bool | str:
    value = rest.pop("verify", True)
    if isinstance(value, str):
        path = os.path.expanduser(value)  # noqa: PTH111 - pathlib raises an error for some texts
        if os.path.exists(path):  # noqa: PTH110 - likewise
            return path
    elif isinstance(value, bool):
        return value
    raise _invalid("verify must be true, false, or the path of a file with the trusted certificates")


def _invalid(message: str) -> ConfigurationError:
    return ConfigurationError(message, operation="open the destination")
