"""How the values of options are spelled: JSON with ``@FILE`` and ``${NAME}``, paths, allowances."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from log_replay.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: ``${NAME}`` stands for an environment variable, ``$${`` for a dollar sign and a brace.
VARIABLE = re.compile(r"\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", re.IGNORECASE)
ALLOWANCE = re.compile(r"(\d+(?:\.\d+)?)(%?)")


class Allowance(NamedTuple):
    """How many rejects are acceptable: a number, or a share of the known events in percent."""

    amount: float
    percent: bool

    def exceeded(self, rejected: int, known: int) -> bool:
        """Whether so many rejects, of so many known events, are too many."""
        return rejected > (self.amount * known / 100 if self.percent else self.amount)


def read_config(option: str, text: str) -> dict[str, Any]:
    """Read a JSON object from the command line, or from ``@FILE``.

    Raises:
        ConfigurationError: it is none, the file cannot be read, or a variable is not set.
    """
    if text.startswith("@"):
        try:
            path = Path(text[1:]).expanduser()
            _warn_of_readers(option, path)
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError, RuntimeError) as error:
            reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else "this is no path"
            if isinstance(error, OSError):
                reason = error.strerror or type(error).__name__
            raise ConfigurationError(reason, operation="read", object=f"{option} {text}") from error
    try:
        config = json.loads(text)
    except ValueError as error:
        if not isinstance(error, json.JSONDecodeError):
            raise ConfigurationError(f"{option} is not JSON") from None
        # The text itself may hold a password: the place must be enough.
        raise ConfigurationError(
            f"{option} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            hint="mind the shell's quotes: put single ones around the whole object",
        ) from None
    except RecursionError:
        raise ConfigurationError(f"{option} is nested too deeply") from None
    if not isinstance(config, dict):
        raise ConfigurationError(f"{option} is JSON, but not an object", hint='it looks like {"container": ...}')
    return {key: _substitute(option, value) for key, value in config.items()}


def _warn_of_readers(option: str, path: Path) -> None:
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning(
            "others can read this file, and whatever secrets are in it", option=option, path=str(path), hint="chmod 600"
        )


def _substitute(option: str, value: Any) -> Any:
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: "${" if found[1] else _variable(option, found[2]), value)
    if isinstance(value, dict):
        return {key: _substitute(option, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_substitute(option, inner) for inner in value]
    return value


def _variable(option: str, name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise ConfigurationError(f"{option} asks for the environment variable {name}, which is not set") from None


def writable_path(option: str, text: str | None) -> Path | None:
    """Return a path that can be written to, without touching what may be there.

    Raises:
        ConfigurationError: its folder does not exist or cannot be written to.
    """
    if text is None:
        return None
    path = Path(text).expanduser()
    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigurationError(f"{option} {text} cannot be written", hint="its folder must exist and be yours")
    return path


def read_allowance(option: str, text: str | None) -> Allowance | None:
    """Read ``N`` or ``P%``.

    Raises:
        ConfigurationError: it is neither.
    """
    if text is None:
        return None
    spelled = ALLOWANCE.fullmatch(text.strip())
    if spelled is None:
        raise ConfigurationError(f"{option} {text!r} is neither a number nor a percentage")
    return Allowance(float(spelled[1]), percent=bool(spelled[2]))


def read_size(option: str, text: str) -> int:
    """Read a number of bytes: ``1000``, ``256MB``, ``1GiB``.

    Raises:
        ConfigurationError: it is none, or nothing.
    """
    spelled = SIZE.fullmatch(str(text).strip())
    factor = (1024 if spelled[3] else 1000) ** " KMGT".index(spelled[2].upper() or " ") if spelled else 0
    size = int(float(spelled[1]) * factor) if spelled else 0
    if size < 1:
        raise ConfigurationError(f"{option} {text!r} is no size", hint="for example 256MB or 1GiB")
    return size


def read_workers(option: str, text: str) -> int:
    """Read how many processes a number or ``auto``, one for each core, means.

    Raises:
        ConfigurationError: it is neither.
    """
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"{option} {text!r} is neither a number from 1 on nor auto")
    return int(text)
