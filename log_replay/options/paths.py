"""Make the paths of a command line absolute, so that a stored command has the same meaning in every folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay.options.places import is_folder
from log_replay.storage.local import with_absolute_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.options.option import Option

_FILE = "file:"


def with_absolute_paths(raw: Mapping[str, Any], rows: Mapping[str, Option]) -> dict[str, Any]:
    """Return the values of a command line with absolute paths.

    Args:
        raw: values by the names of the options.
        rows: the table of options.
    """
    resolved = dict(raw)
    for name, row in rows.items():
        if row.config_of and isinstance(raw[name], str):
            resolved[name] = _config(str(raw[row.config_of]).upper(), raw[name])
        elif row.path and isinstance(raw[name], str):
            resolved[name] = _absolute(raw[name])
    if isinstance(raw["to"], str) and is_folder(raw["to"]):
        resolved["to"] = _absolute(raw["to"])
    if isinstance(raw["log_to"], str) and raw["log_to"].startswith(_FILE):
        resolved["log_to"] = _FILE + _absolute(raw["log_to"].removeprefix(_FILE))
    return resolved


def _config(provider: str, text: str) -> str:
    if text.startswith("@"):
        return "@" + _absolute(text[1:])
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        return text  # the reader of the option reports the error
    # A key that begins with a variable is resolved after the variable is replaced.
    if not isinstance(config, dict) or str(config.get("key")).startswith("${"):
        return text
    resolved = with_absolute_key(provider, config)
    return text if resolved == config else json.dumps(resolved)


def _absolute(path: str) -> str:
    # An empty path, and one that begins with a home folder, stays as it is.
    return path if not path or path.startswith("~") or "\0" in path else str(Path(path).absolute())
