"""A run's configuration in the ledger: its identity, and the command that resumes it. Secrets are left out."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError
from log_replay.options import OPTIONS
from log_replay.redaction import split_secrets, without_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.models import Run
    from log_replay.options import Options, Place


def identity(options: Options) -> dict[str, Any]:
    """Return the values that must be the same when the run is resumed, by the names of their options."""
    values = {name: _plain(getattr(options, name)) for name, row in OPTIONS.items() if row.identity}
    return {
        "source": _place(options.source),
        "destination": _place(options.destination),
        **values,
        "lrs_urls": sorted(without_credentials(url) for url in options.lrs_urls),
        "user": sorted(set(options.user)),
        "from_rejects": options.from_rejects_digest,
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON stores it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value.absolute())
    return list(value) if isinstance(value, tuple) else value


def difference(stored: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """Return a message about the first difference from the stored configuration, or None."""
    for name, value in given.items():
        # The run is older than an option that it has not stored.
        if name in stored and stored[name] != value:
            return f"{name} was {_shown(stored[name])} and is {_shown(value)}"
    return None


def check_same(run: Run, given: Mapping[str, Any]) -> None:
    """Check that a run has the given configuration.

    Raises:
        ConfigurationError: it has a different one.
    """
    differs = difference(run.identity, given)
    if differs:
        raise ConfigurationError(
            f"the run {run.name!r} exists with a different configuration: {differs}",
            hint="give this run another name, or resume the other run with its own configuration",
        )


def stored_command(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given, without secrets: the names of these are listed under ``withheld``."""
    command: dict[str, Any] = {}
    withheld: list[str] = []
    for name, row in OPTIONS.items():
        value = given.get(name)
        if not row.stored or value is None or value is False or value == row.default:
            continue
        if row.config_of and not value.startswith("@"):
            kept, secrets = split_secrets(given[row.config_of], json.loads(value))
            value = json.dumps(kept)
            withheld += [f"{name}.{secret}" for secret in secrets]
        if name == "lrs_urls" and any(without_credentials(url) != url for url in value):
            withheld.append(name)
            continue
        command[name] = value
    return {**command, "withheld": withheld} if withheld else command


def _place(place: Place) -> str:
    names = sorted(place.public.items())
    shown = (f"{name}={without_credentials(value) if name == 'url' else value}" for name, value in names)
    return " ".join([place.provider, *shown])


def _shown(value: Any) -> str:
    return "not given" if value in (None, [], "") else str(value)
