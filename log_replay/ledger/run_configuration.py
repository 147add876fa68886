"""A run's configuration as the ledger has it: what says which run it is, and what starts it again; never a secret."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from log_replay.errors import ConfigurationError
from log_replay.options.arguments import ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.options import Options, Place

#: What of a place's configuration anybody may know. All else may be a secret, and is taken for one.
PUBLIC = frozenset(
    {"container", "prefix", "host", "port", "region", "url", "path", "database", "table", "secure", "compression",
     "timeout_seconds", "cluster", "columns", "verify"}
)  # fmt: skip
#: A value that only says where the secret is.
REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
CONFIGS = {"source_config": "source_provider", "destination_config": "destination_provider",
           "missing_from": "destination_provider"}  # fmt: skip
#: Options that say how to run, what to show or what to do but once: they may change from one time to the next.
NOT_STORED = frozenset({"run", "plan", "summary"})


def identity(options: Options) -> dict[str, Any]:
    """Return what must be the same whenever the run is resumed, by the names of the options."""
    filters = options.filters
    return {
        "source": _place(options.source),
        "destination": _place(options.destination),
        "transformer_type": options.transformer_type,
        "batch_size": options.batch_size,
        "dry_run": options.dry_run,
        "lrs_urls": sorted(_without_user(url) for url in options.lrs_urls),
        "since": filters.since and filters.since.isoformat(),
        "until": filters.until and filters.until.isoformat(),
        "event": list(filters.events),
        "course": list(filters.courses),
        "org": list(filters.orgs),
        "user": sorted(filters.users),
        "rejects": options.rejects and str(options.rejects.absolute()),
        "rejects_with_content": options.rejects_with_content,
        "from_rejects": options.from_rejects_digest,
        "format": options.destination.config.get("format"),
        "layout": options.destination.config.get("layout"),
        "only_missing": options.missing_from is not None,
        "tracking": options.tracking,
    }


def difference(stored: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """Say in words how a configuration differs from the stored one, None if it does not."""
    for name, value in given.items():
        # An option that is newer than the run has no say.
        if name in stored and stored[name] != value:
            return f"{name} was {_shown(stored[name])} and is {_shown(value)}"
    return None


def stored_command(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given, but for what may be a secret: of that the names are under ``withheld``."""
    command: dict[str, Any] = {}
    withheld: list[str] = []
    for name, arguments in ARGUMENTS.items():
        value = given.get(name)
        if value is None or value is False or value == arguments.get("default") or name in NOT_STORED:
            continue
        if name in CONFIGS:
            value, secrets = _without_secrets(value, local=given[CONFIGS[name]].upper() == "LOCAL")
            withheld += [f"{name}.{secret}" for secret in secrets]
        if name == "lrs_urls" and any(_without_user(url) != url for url in value):
            withheld.append(name)
            continue
        command[name] = value
    return {**command, "withheld": withheld} if withheld else command


def command_line(command: Mapping[str, Any]) -> list[str]:
    """Return a stored command as arguments.

    Raises:
        ConfigurationError: it was given secrets, which must be given again.
    """
    if command.get("withheld"):
        raise ConfigurationError(
            f"the ledger keeps no secrets, and this run was given some: {', '.join(command['withheld'])}",
            hint="give the run's own command again with --run, or read them from the environment: ${NAME}, or @FILE",
        )
    line: list[str] = []
    for name, value in command.items():
        line.append(f"--{name}")
        if isinstance(value, list):
            line += map(str, value)
        elif value is not True:
            line.append(str(value))
    return line


def _place(place: Place) -> str:
    names = sorted(place.public.items())
    shown = (f"{name}={_without_user(value) if name == 'url' else value}" for name, value in names)
    return " ".join([place.provider, *shown])


def _without_secrets(text: str, *, local: bool) -> tuple[str, list[str]]:
    """Return a JSON configuration that has none any more, and the names of those it had."""
    if text.startswith("@"):
        return text, []
    kept: dict[str, Any] = {}
    withheld: list[str] = []
    for name, value in json.loads(text).items():
        if name == "url" and isinstance(value, str) and _without_user(value) != value:
            withheld.append(name)
        elif name in PUBLIC or (local and name == "key") or (isinstance(value, str) and REFERENCE.fullmatch(value)):
            kept[name] = value
        else:
            withheld.append(name)
    return json.dumps(kept), withheld


def _without_user(url: str) -> str:
    """Return a URL without a user's name and password, and without a query, which can hold a token."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(no URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _shown(value: Any) -> str:
    return "not given" if value in (None, [], "") else str(value)
