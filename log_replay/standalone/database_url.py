"""Read the URL of a database. No message contains the URL, since it contains a password."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from log_replay.errors import ConfigurationError

EXAMPLE = (
    "for example mysql://USER:PASSWORD@HOST:3306/openedx; characters such as @ or / in a password are written as %40"
)
SERVERS = ("django.db.backends.mysql", "django.db.backends.postgresql")
CONNECT_TIMEOUT_SECONDS = 10
SQLITE = "django.db.backends.sqlite3"


def read_database_url(url: str, variable: str = "LOG_REPLAY_DATABASE_URL") -> dict[str, Any]:
    """Return the entry of Django's ``DATABASES`` for a URL.

    Args:
        url: the URL.
        variable: the environment variable that contains it, for messages.

    Raises:
        ConfigurationError: the URL is malformed, its driver is not installed, or its SQLite file does not exist.
    """
    try:
        database: dict[str, Any] = {**dj_database_url.parse(url, conn_health_checks=True)}
    except ValueError as error:
        scheme = url.partition("://")[0]
        known = not isinstance(error, dj_database_url.UnknownSchemeError)
        # A text before the first colon can be part of a secret if the URL is malformed, so only a plain word is shown.
        what = "malformed URL" if known or not scheme.isalnum() else f"unknown scheme {scheme!r}"
        raise ConfigurationError(f"{variable}: {what}", hint=EXAMPLE) from error
    if not database["NAME"]:
        raise ConfigurationError(f"{variable}: no name of a database", hint=EXAMPLE)
    if database["ENGINE"] in SERVERS:
        # Without it, the drivers wait for minutes if a firewall drops the packets.
        database["OPTIONS"] = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, **database.get("OPTIONS", {})}
    _check_driver(database["ENGINE"], variable)
    _check_file(database, variable)
    return database


def _check_driver(engine: str, variable: str) -> None:
    try:
        import_module(f"{engine}.base")
    except (ImproperlyConfigured, ImportError) as error:
        name = engine.rpartition(".")[2]
        extra = f"pip install 'openedx-log-replay[{name}]'" if name in {"mysql", "postgresql"} else None
        raise ConfigurationError(f"{variable}: the driver for {name} is not installed", hint=extra) from error


def _check_file(database: dict[str, Any], variable: str) -> None:
    """Check that a SQLite file exists: SQLite would create it."""
    name = str(database["NAME"])
    if database["ENGINE"] == SQLITE and not Path(name).is_file() and name != ":memory:":
        raise ConfigurationError("no such file", operation=f"open {variable}", object=name)
