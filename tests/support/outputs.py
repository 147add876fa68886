"""File sinks for tests, and the files that they have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.sinks import open_sink
from log_replay.storage.output_names import Origin, object_digest

if TYPE_CHECKING:
    from pathlib import Path

    from log_replay.sinks.files.sink import FileSink

KEY = "0123456789ab"


def opened(folder: Path, *, key: str = KEY, transformer_type: str = "xapi", **config) -> FileSink:
    """Open a LOCAL sink on ``folder``."""
    config = {"key": str(folder.parent), "container": folder.name, **config}
    return open_sink("LOCAL", config, transformer_type=transformer_type, key=key)


def output_name(
    offset: int = 0, *, key: str = KEY, transformer_type: str = "xapi", name: str = "tracking.log", suffix: str = ""
) -> str:
    """Return the name of the output that begins at an offset of an object."""
    return Origin(transformer_type, key, object_digest(name)).name(offset, suffix)


def written(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder by their paths in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def server_config(server) -> dict[str, Any]:
    """Return the options with which libcloud connects to a scripted server."""
    return {"key": "k", "secret": "s", "host": "127.0.0.1", "port": server.port, "secure": False}
