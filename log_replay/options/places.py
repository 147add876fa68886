"""Translate SOURCES and ``--to``, as people write them, to providers and their configurations. Nothing else does.

A source is a file, a folder, a pattern (``'logs/*.gz'``), ``-`` for standard input, or a URL (see ``urls``). All
sources of a command but ``-`` make one source of the provider ``PATHS``, whose objects are named as one would type
them: ``logs/tracking.log``, ``s3://bucket/2026/tracking.log``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError
from log_replay.options.option import CLICKHOUSE, LRS
from log_replay.options.urls import (
    SCHEMES,
    bucket_config,
    clickhouse_config,
    is_url,
    log_table_config,
    lrs_config,
    parse_url,
)
from log_replay.sources.patterns import fixed_beginning
from log_replay.sources.wrapped import UNWRAP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STDIN = "-"
#: Values of ``--to`` that are not paths or URLs, and their providers.
KEYWORDS = {"stdout": "LOGGER", "clickhouse": CLICKHOUSE, "lrs": LRS}
SourceOrDestination = tuple[str, dict[str, Any]]


def source_place(sources: Sequence[str], base: str, given: Mapping[str, Any]) -> SourceOrDestination:
    """Return the provider and the configuration for SOURCES.

    Args:
        sources: as they were typed.
        base: the folder that relative paths are in.
        given: the settings of ``--source_config``: for all buckets, and ``unwrap`` for all sources.

    Raises:
        ConfigurationError: a source is not valid.
    """
    if STDIN in sources:
        if len(sources) > 1:
            raise ConfigurationError(
                "- (standard input) cannot be combined with other sources", hint="replay them one after the other"
            )
        return "STDIN", dict(given)
    settings = {name: value for name, value in given.items() if name != UNWRAP}
    if settings and not any(map(is_url, sources)):
        raise ConfigurationError("--source_config has no effect on files of this machine", hint="leave it out")
    places = [_bucket(source, settings) if is_url(source) else {"path": _path(source)} for source in sources]
    unwrap = {UNWRAP: given[UNWRAP]} if UNWRAP in given else {}
    return "PATHS", {"paths": list(sources), "base": base, "places": places, **unwrap}


def is_relative(source: str) -> bool:
    """Return True if a source is in the folder of ``--base``."""
    return not (source == STDIN or is_url(source) or source.startswith(("/", "~")))


def destination_place(to: str, given: Mapping[str, Any]) -> SourceOrDestination:
    """Return the provider and the configuration for ``--to``.

    Args:
        to: as it was typed, or with an absolute path.
        given: the settings of ``--destination_config``.

    Raises:
        ConfigurationError: it is not valid.
    """
    if to in KEYWORDS:
        return KEYWORDS[to], dict(given)
    if not is_url(to):
        folder = Path(_path(to)).expanduser().absolute()
        if not folder.name:
            raise ConfigurationError(f"--to {to} is not a folder for statements", hint="name a folder in it")
        return "LOCAL", {**given, "key": str(folder.parent), "container": folder.name}
    url = parse_url(to, "destination")
    provider = SCHEMES[url.scheme].provider
    if provider == CLICKHOUSE:
        return provider, clickhouse_config(url, given)
    if provider == LRS:
        return provider, lrs_config(url, given)
    return provider, bucket_config(url, given, "destination")


def is_folder(to: str) -> bool:
    """Return True if ``--to`` names a folder of this machine."""
    return to not in KEYWORDS and not is_url(to)


def _bucket(source: str, given: Mapping[str, Any]) -> dict[str, Any]:
    url = parse_url(source, "source")
    if SCHEMES[url.scheme].provider == CLICKHOUSE:
        label = f"clickhouse://{url.host}/{url.path.strip('/')}/"
        return {"label": label, "provider": CLICKHOUSE, "config": log_table_config(url, given), "pattern": None}
    config = bucket_config(url, given, "source")
    label = f"minio://{url.host}/{config['container']}/" if url.scheme == "minio" else f"{url.scheme}://{url.host}/"
    pattern = config["prefix"]
    config["prefix"] = fixed_beginning(pattern)
    return {
        "label": label,
        "provider": SCHEMES[url.scheme].provider,
        "config": config,
        "pattern": None if config["prefix"] == pattern else pattern,
    }


def _path(text: str) -> str:
    if not text or "\0" in text:
        raise ConfigurationError("an empty text is not a path", hint="write . for the current folder")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            "a path is not UTF-8", hint="rename the file, or pipe it in: log-replay replay -"
        ) from None
    return text
