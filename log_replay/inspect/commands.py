"""The part of the report on what to type next: the command of the real replay."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from log_replay.ledger.factory import program
from log_replay.options import OPTIONS
from log_replay.redaction import split_secrets, without_credentials

if TYPE_CHECKING:
    from log_replay.options import Options

#: Options of a dry run that a real replay does not have.
_REPORT_OPTIONS = frozenset({"dry_run", "json", "log_to", "log_format", "summary", "plan", "run"})
#: A destination for the command if none was given: it needs nothing else, and shows what would be stored.
_FILES = {
    "destination_provider": "LOCAL",
    "destination_config": '{"key": ".", "container": "statements"}',
}


def next_steps(options: Options) -> dict[str, Any]:
    """Return the part as JSON values."""
    arguments = _arguments(options)
    has_destination = "destination_provider" in arguments or "destination_config" in arguments
    return {
        "replay": _command_line(arguments if has_destination else {**arguments, **_FILES}),
        "destination_given": has_destination,
    }


def _arguments(options: Options) -> dict[str, Any]:
    """Return the given options of the real replay. A secret is replaced by the name of an environment variable."""
    arguments = {}
    for name, row in OPTIONS.items():
        value = options.given.get(name)
        if name in _REPORT_OPTIONS or value is None or value is False or value == row.default:
            continue
        if row.config_of and not value.startswith("@"):
            value = _without_secrets(name, options.given[row.config_of], value)
        if name == "lrs_urls":
            value = [without_credentials(url) for url in value]
        arguments[name] = value
    return arguments


def _without_secrets(name: str, provider: str, text: str) -> str:
    config = json.loads(text)
    _, secrets = split_secrets(provider, config)
    place = name.partition("_")[0].upper()
    return json.dumps({**config, **{secret: f"${{{place}_{secret.upper()}}}" for secret in secrets}})


def _command_line(arguments: dict[str, Any]) -> str:
    words = [*shlex.split(program()), "replay_tracking_logs"]
    for name, value in arguments.items():
        words.append(f"--{name}")
        if isinstance(value, list | tuple):
            words += map(str, value)
        elif value is not True:
            words.append(str(value))
    return shlex.join(words)
