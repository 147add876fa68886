"""File sinks for tests, and the files that they have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.sinks import open_sink

if TYPE_CHECKING:
    from pathlib import Path

    from log_replay.sinks.files.sink import FileSink

KEY = "0123456789ab"


def opened(folder: Path, *, key: str = KEY, transformer_type: str = "xapi", **config) -> FileSink:
    """Open a LOCAL sink on ``folder``."""
    config = {"key": str(folder.parent), "container": folder.name, **config}
    return open_sink("LOCAL", config, transformer_type=transformer_type, key=key)


def written(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder by their paths in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def server_config(server) -> dict[str, Any]:
    """Return the options with which libcloud connects to a scripted server."""
    return {"key": "k", "secret": "s", "host": "127.0.0.1", "port": server.port, "secure": False}
