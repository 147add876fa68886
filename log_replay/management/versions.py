"""Versions of Log Replay and of the packages that decide its output."""

from __future__ import annotations

import platform

from log_replay import __version__, _speedups

#: Packages of ``-v 2``, by the names of their distributions.
_PACKAGES = ("edx-event-routing-backends", "Django", "apache-libcloud")


def versions(*, detailed: bool) -> str:
    """Return the version of Log Replay; in detail, also those of its most important parts, one a line."""
    if not detailed:
        return f"log-replay {__version__}"
    lines = [f"log-replay {__version__}", f"Python {platform.python_version()}"]
    lines += [f"{package} {_installed(package)}" for package in _PACKAGES]
    built = "built" if _speedups.classify_lines is not None else "not built; using the slower Python code"
    return "\n".join([*lines, f"C extension {built}"])


def _installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 10 ms that --help can save

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
