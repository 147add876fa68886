"""How statements are sent to LRSs, whatever their routes: what ``--destination_config`` says of it."""

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
    """How to send.

    Args:
        timeout_seconds: how long an LRS may be silent; a whole request may take ten times as long.
        concurrency: in how many requests at a time a batch goes to each route.
        max_rate: how many statements a second go to each route, on average; None for as many as it takes.
        verify: whether TLS certificates are verified; or the path of the certificates that are trusted.
        compression: ``gzip`` to try that for what is sent.
    """

    timeout_seconds: float = 60
    concurrency: int = 1
    max_rate: float | None = None
    verify: bool | str = True
    compression: str | None = None


def read_settings(config: Mapping[str, Any]) -> tuple[LrsSettings, dict[str, Any]]:
    """Return the settings that a configuration has, and what else is in it.

    Raises:
        ConfigurationError: one of them cannot be right.
    """
    own = dict(config)
    settings = LrsSettings(
        timeout_seconds=_positive(own, "timeout_seconds", 60),
        concurrency=_concurrency(own),
        max_rate=_positive(own, "max_rate", 1) if own.get("max_rate") is not None else own.pop("max_rate", None),
        verify=_verify(own),
        compression=own.pop("compression", None),
    )
    if settings.compression not in _COMPRESSIONS:
        raise _wrong("compression must be gzip, or none")
    return settings, own


def _positive(own: dict[str, Any], name: str, default: float) -> float:
    value = own.pop(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise _wrong(f"{name} must be a positive number")
    return value


def _concurrency(own: dict[str, Any]) -> int:
    value = own.pop("lrs_concurrency", 1)
    if type(value) is not int or value < 1:
        raise _wrong("lrs_concurrency must be a whole number from 1 on")
    return value


def _verify(own: dict[str, Any]) -> bool | str:
    value = own.pop("verify", True)
    if isinstance(value, str):
        path = os.path.expanduser(value)  # noqa: PTH111 - unlike pathlib's, these two take any text
        if os.path.exists(path):  # noqa: PTH110 - likewise
            return path
    elif isinstance(value, bool):
        return value
    raise _wrong("verify must be true, false, or the path of a file with the certificates that are trusted")


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, operation="open the destination")
