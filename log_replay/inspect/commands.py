"""The part of the report on what to type next: the command of the real replay, and the one that explains a line."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from log_replay.ledger.factory import program
from log_replay.options import OPTIONS
from log_replay.options.arguments import DEFAULT_TYPE, command_words
from log_replay.options.option import REPORT
from log_replay.redaction import split_secrets, without_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.options import Options

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: Options of a dry run that a real replay does not have.
_REPORT_OPTIONS = frozenset(
    {"dry_run", "examples", "limit", "log_to", "log_format", "log_timeout_secs", "plan", "run", "summary"}
)
_DESTINATIONS = ("to", "destination_provider", "destination_config", "lrs_urls")
#: A destination for the command if none was given: a folder needs nothing else, and shows what would be sent.
_FOLDER = {"to": "statements"}
_SOURCES = ("sources", "source_provider", "source_config", "base", "transformer_type")
#: The commands, and their short verbs outside the LMS.
_REPLAY, _EXPLAIN = ("replay_tracking_logs", "replay"), ("explain_tracking_log", "explain")


def next_steps(options: Options) -> dict[str, Any]:
    """Return the part as JSON values."""
    arguments = _arguments(options)
    is_given = any(name in arguments for name in _DESTINATIONS)
    can_repeat = options.source.provider != "STDIN"
    return {
        "replay": _command_line(_REPLAY, arguments if is_given else {**arguments, **_FOLDER}),
        "source_is_stdin": not can_repeat,
        "destination_given": is_given,
        "variables": sorted(set(_VARIABLE.findall(json.dumps(arguments)))),
    }


def explain_command(options: Options, place: Mapping[str, Any] | None) -> str | None:
    """Return the command that explains one line, None if there is none or if the source cannot be read again."""
    if place is None or options.source.provider == "STDIN":
        return None
    source = {name: value for name, value in _arguments(options).items() if name in _SOURCES}
    if source.pop("sources", None):  # its objects are named as one would type them
        source.pop("base", None)
    return _command_line(_EXPLAIN, source, f"{place['object']}:{place['offset']}")


def _arguments(options: Options) -> dict[str, Any]:
    """Return the given options of the real replay. A secret is replaced by the name of an environment variable."""
    arguments: dict[str, Any] = {}
    for name, row in OPTIONS.items():
        value = options.given.get(name)
        if name in _REPORT_OPTIONS or value is None or value is False or value == row.default:
            continue
        if (name, value) in (("to", "stdout"), ("base", str(Path.cwd()))):
            continue
        if row.group == REPORT:
            continue
        if row.config_of and not value.startswith("@"):
            value = _without_secrets(name, options.given[row.config_of], value)
        arguments[name] = [without_credentials(url) for url in value] if name == "lrs_urls" else value
    return arguments


def _without_secrets(name: str, provider: str | None, text: str) -> str:
    config = json.loads(text)
    _, secrets = split_secrets(provider or "", config)
    place = name.partition("_")[0].upper()
    return json.dumps({**config, **{secret: f"${{{place}_{secret.upper()}}}" for secret in secrets}})


def _command_line(command: tuple[str, str], arguments: Mapping[str, Any], *positional: str) -> str:
    """Return a command line that a shell reads as it is meant."""
    short = getattr(settings, "LOG_REPLAY_STANDALONE", False)
    default = ("transformer_type", DEFAULT_TYPE) if short else None
    given = {name: value for name, value in arguments.items() if (name, value) != default}
    return shlex.join([*shlex.split(program()), command[short], *positional, *command_words(given)])
