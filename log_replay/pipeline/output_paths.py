"""Refuse output paths that would destroy an input or a file that Log Replay has not written."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError
from log_replay.options.place import PATHS
from log_replay.report.rejects import read_entry
from log_replay.report.summary_file import is_stream
from log_replay.sources.paths import local_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_replay.options import Options

#: The longest part of an existing file that is read to recognise it.
HEAD_BYTES = 1 << 20
#: Keys of a raw statement (xAPI, Caliper) and of the JSON envelope of --log_format json.
STATEMENT_KEYS = ({"actor", "verb", "object"}, {"sensor", "data"}, {"logger"})
PRETTY_LINE = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  [^ ]{1,4}\xe2\x80\xa6  ")
ASPECTS_LINE = re.compile(rb"\[(xapi|caliper)_tracking\]|\b(xapi|caliper)_tracking\b")


def check_output_paths(options: Options) -> None:
    """Check ``--rejects``, ``--summary`` and the file of ``--log_to`` before anything is read or written.

    Raises:
        ConfigurationError: the path is a log of the source or another input, or the file was not written by us.
    """
    for option, path, is_ours in _outputs(options):
        check_output_path(option, path, is_ours, options)


def check_output_path(option: str, path: Path, is_ours: Callable[[bytes], bool], options: Options) -> None:
    """Check the path of one output.

    Args:
        option: the option with the path.
        path: the path.
        is_ours: returns True for the beginning of a file that the option has written.
        options: the options of the run.

    Raises:
        ConfigurationError: the path is a log of the source or another input, or the file was not written by us.
    """
    if not path.exists() or is_stream(path):
        return
    if any(path.samefile(other) for other in _inputs(options) if other.exists()):
        raise ConfigurationError(f"{option} {path} is an input of this run", hint="choose another path")
    if _is_log(path, options):
        raise ConfigurationError(f"{option} {path} is a log of the source", hint="choose another path")
    if not _is_empty_or(path, is_ours):
        raise ConfigurationError(
            f"{option} {path} exists, and this option has not written it", hint="choose another path, or delete it"
        )


def _outputs(options: Options) -> Iterator[tuple[str, Path, Callable[[bytes], bool]]]:
    if options.rejects:
        yield "--rejects", options.rejects, _is_reject
    if options.summary:
        yield "--summary", options.summary, _is_summary
    kind, _, path = options.log_to.partition(":")
    if kind == "file":
        yield "--log_to", Path(path).expanduser(), _is_statement_log


def _inputs(options: Options) -> Iterator[Path]:
    for name in ("from_rejects", "source_config", "destination_config", "missing_from"):
        given = options.given.get(name)
        if isinstance(given, str) and (given.startswith("@") or name == "from_rejects"):
            yield Path(given.removeprefix("@")).expanduser()


def _is_log(path: Path, options: Options) -> bool:
    """Return True if an existing file is an object of the source."""
    config = options.source.config
    if options.source.provider == PATHS:
        return local_paths(config).contains(path)
    if options.source.provider != "LOCAL":
        return False
    folder = Path(str(config.get("key", ""))) / str(config.get("container", ""))
    with suppress(OSError, ValueError):
        name = path.resolve().relative_to(folder.resolve())
        return str(name).startswith(str(config.get("prefix") or "").lstrip("/"))
    return False


def _is_empty_or(path: Path, is_ours: Callable[[bytes], bool]) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return True  # opening it for writing reports the error
    return not head or is_ours(head)


def _is_reject(head: bytes) -> bool:
    return read_entry(head.partition(b"\n")[0])[0] is not None


def _is_summary(head: bytes) -> bool:
    return re.match(rb'\s*\{\s*"run":', head) is not None


def _is_statement_log(head: bytes) -> bool:
    line = head.partition(b"\n")[0]
    if ASPECTS_LINE.search(line) or PRETTY_LINE.match(line):
        return True
    value: Any = None
    with suppress(ValueError):
        value = json.loads(line)
    return isinstance(value, dict) and any(keys <= value.keys() for keys in STATEMENT_KEYS)
