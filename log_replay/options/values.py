"""Readers for the values of options: JSON with ``@FILE`` and ``${NAME}``, paths, times, sizes, ranges."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from log_replay.errors import ConfigurationError
from log_replay.events.filters import read_time
from log_replay.redaction import split_secrets
from log_replay.report.summary_file import can_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

log = structlog.get_logger(__name__)

#: Operating systems' timers reject very long times.
LONGEST_SECONDS = 86_400.0
#: ``${NAME}`` stands for an environment variable, ``$${`` for a dollar sign and a brace.
_VARIABLE = re.compile(r"\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", re.IGNORECASE)
_ALLOWANCE = re.compile(r"(\d+(?:\.\d+)?)(%?)")


class Allowance(NamedTuple):
    """Number of acceptable rejects: absolute, or in percent of the known events."""

    amount: float
    percent: bool

    def exceeded(self, rejected: int, known: int) -> bool:
        """Return whether this number of rejects is too high for this number of known events."""
        return rejected > (self.amount * known / 100 if self.percent else self.amount)


class Sample(NamedTuple):
    """The size of a sample: in percent of the stored bytes, or in decompressed bytes; ``auto`` if neither is given."""

    percent: float | None = None
    size_bytes: int | None = None

    @property
    def is_auto(self) -> bool:
        """True if the size of the log decides."""
        return self.percent is None and self.size_bytes is None


def read_config(option: str, text: str) -> dict[str, Any]:
    """Read a JSON object from the command line, or from ``@FILE``.

    Raises:
        ConfigurationError: it is not a JSON object, the file cannot be read, or a variable is not set.
    """
    try:
        config = json.loads(_read_file(option, text) if text.startswith("@") else text or "{}")
    except json.JSONDecodeError as error:
        # The text may hold a password: the message only says where the mistake is.
        raise ConfigurationError(
            f"{option} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            hint="in a shell, put single quotes around the whole object",
        ) from None
    except ValueError:
        raise ConfigurationError(f"{option} is not JSON") from None
    except RecursionError:
        raise ConfigurationError(f"{option} is nested too deeply") from None
    if not isinstance(config, dict):
        raise ConfigurationError(f"{option} is JSON, but not an object", hint='for example {"container": "logs"}')
    if text.startswith("@"):
        _warn_of_readers(option, Path(text[1:]).expanduser(), config)
    return {key: _substitute(option, value) for key, value in config.items()}


def _read_file(option: str, text: str) -> str:
    try:
        return Path(text[1:]).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigurationError(_read_failure(error), operation="read", object=f"{option} {text}") from error


def _read_failure(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return (
        "it is not JSON, since it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "this is not a path"
    )


def _warn_of_readers(option: str, path: Path, config: Mapping[str, Any]) -> None:
    # A key alone gives no access: it is a folder, or it comes with a secret.
    _, secrets = split_secrets("LOCAL", config)
    if secrets and path.exists() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning(
            "other users can read this file and the secrets in it", option=option, path=str(path), hint="chmod 600"
        )


def _substitute(option: str, value: Any) -> Any:
    """Return a JSON value with the environment variables in its strings replaced."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: "${" if found[1] else _variable(option, found[2]), value)
    if isinstance(value, dict):
        return {key: _substitute(option, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_substitute(option, inner) for inner in value]
    return value


def _variable(option: str, name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise ConfigurationError(f"{option} refers to the environment variable {name}, which is not set") from None


def read_provider(_option: str, text: str) -> str:
    """Return a provider's name in capitals, as libcloud spells it."""
    return text.upper()


def words(_option: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return several values as a tuple."""
    return tuple(values)


def read_yes(_option: str, text: str) -> bool:
    """Return whether the answer is ``yes``."""
    return text == "yes"


def read_invalid(_option: str, text: str) -> str | None:
    """Return ``reject``, or None for the default."""
    return None if text == "keep" else text


def read_moment(option: str, text: str) -> datetime:
    """Read an ISO 8601 date or time.

    Raises:
        ConfigurationError: it is neither.
    """
    try:
        return read_time(text)
    except ValueError:
        raise ConfigurationError(
            f"{option} {text!r} is not a date or time", hint="for example 2026-03-01 or 2026-03-01T08:00:00+01:00"
        ) from None


def positive(option: str, value: float) -> float:
    """Check that a number is greater than 0 and finite.

    Raises:
        ConfigurationError: it is not.
    """
    if not 0 < value < float("inf"):
        raise ConfigurationError(f"{option} {value} is out of range")
    return value


def between(lowest: float, highest: float) -> Callable[[str, float], float]:
    """Return a reader that checks that a number is in a range, both ends included."""

    def read(option: str, value: float) -> float:
        if not lowest <= value <= highest:
            raise ConfigurationError(f"{option} {value} is out of range")
        return value

    return read


def read_path(_option: str, text: str) -> Path:
    """Read the path of a file."""
    return Path(text)


def writable_path(option: str, text: str) -> Path:
    """Return a path that can be written to, without changing a file that exists there.

    Raises:
        ConfigurationError: its folder does not exist or cannot be written to.
    """
    path = Path(text).expanduser()
    if not can_write(path):
        raise ConfigurationError(
            f"{option} {text} cannot be written", hint="its folder must exist and you must be allowed to write there"
        )
    return path


def read_allowance(option: str, text: str) -> Allowance:
    """Read ``N`` or ``P%``.

    Raises:
        ConfigurationError: it is neither.
    """
    spelled = _ALLOWANCE.fullmatch(text.strip())
    if spelled is None:
        raise ConfigurationError(f"{option} {text!r} is neither a number nor a percentage")
    return Allowance(float(spelled[1]), percent=bool(spelled[2]))


def read_size(option: str, text: str) -> int:
    """Read a number of bytes: ``1000``, ``256MB``, ``1GiB``.

    Raises:
        ConfigurationError: it is not a size of at least one byte.
    """
    spelled = _SIZE.fullmatch(str(text).strip())
    factor = (1024 if spelled[3] else 1000) ** " KMGT".index(spelled[2].upper() or " ") if spelled else 0
    size = int(float(spelled[1]) * factor) if spelled else 0
    if size < 1:
        raise ConfigurationError(f"{option} {text!r} is not a size", hint="for example 256MB or 1GiB")
    return size


def read_sample(option: str, text: str) -> Sample | None:
    """Read the size of a sample: ``auto``, ``5%`` or ``1GB``. It is None for ``all``.

    Raises:
        ConfigurationError: it is none of these.
    """
    spelled = str(text).strip().lower()
    if spelled in {"all", "auto"}:
        return Sample() if spelled == "auto" else None
    share = _ALLOWANCE.fullmatch(spelled)
    if share and share[2]:
        if not 0 < float(share[1]) <= 100:  # noqa: PLR2004 - percent
            raise ConfigurationError(f"{option} {text!r} is not between 0 and 100 %", hint="for example 5%")
        return Sample(percent=float(share[1]))
    try:
        return Sample(size_bytes=read_size(option, text))
    except ConfigurationError:
        raise ConfigurationError(
            f"{option} {text!r} is neither a share nor a size", hint="for example 5%, 1GB, all or auto"
        ) from None


def read_workers(option: str, text: str) -> int:
    """Read a number of processes; ``auto`` is one for each core.

    Raises:
        ConfigurationError: it is neither.
    """
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"{option} {text!r} is neither a number from 1 on nor auto")
    return int(text)
