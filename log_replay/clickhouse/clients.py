"""Connect to ClickHouse: to a server over HTTP, or to the engine embedded in this process."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from log_replay.clickhouse.error_kinds import FOREIGN, error_hint, error_message, error_reason, temporary_error
from log_replay.errors import ConfigurationError
from log_replay.redaction import without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clickhouse_connect.driver.client import Client

#: The keys of a configuration that ``connect`` reads. Callers may allow further keys.
CONNECTION_KEYS = frozenset({"url", "username", "password", "path", "timeout_seconds", "verify", "ca_cert"})
_CONNECT_TIMEOUT_SECONDS = 10
#: Long enough for a large insert into a table with several replicas.
_TIMEOUT_SECONDS = 300
# The driver logs each error that it raises, with URLs and responses. We report these errors ourselves.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
_OPERATION = "connect to ClickHouse"
#: By default the embedded engine uses all cores, and would slow down the run in the same process.
_EMBEDDED_SETTINGS = {"max_threads": 2, "max_insert_threads": 1}


def connect(config: Mapping[str, Any]) -> Client:
    """Return a connected client. The caller closes it.

    The client has no default database, because the database may not exist yet: qualify all table names.

    Args:
        config: ``url``, with ``username``, ``password``, ``timeout_seconds``, ``verify`` and ``ca_cert``; or ``path``,
            the folder of an embedded database; or neither, for the embedded database in ``LOG_REPLAY_HOME``. Other
            keys are ignored.

    Raises:
        ConfigurationError: the configuration is wrong, the server does not answer, or a package is not installed.
    """
    if config.get("url") is not None and config.get("path") is not None:
        raise ConfigurationError("give ClickHouse either a url or a path, not both", operation=_OPERATION)
    return _connect_to_server(config) if config.get("url") is not None else _open_embedded(embedded_path(config))


def shown_place(config: Mapping[str, Any]) -> str:
    """Return the URL or folder of a ClickHouse for messages, without credentials."""
    if config.get("url") is None:
        return str(embedded_path(config))
    return without_credentials(str(config["url"]))


def embedded_path(config: Mapping[str, Any]) -> Path:
    """Return the folder of the embedded database.

    Raises:
        ConfigurationError: ``path`` is not a valid path.
    """
    path = config.get("path")
    if path is None:
        home = getattr(settings, "LOG_REPLAY_HOME", None) or os.environ.get("LOG_REPLAY_HOME")
        return Path(home or "~/.local/share/log-replay").expanduser() / "clickhouse"
    if not isinstance(path, str) or not path or "\0" in path:
        raise ConfigurationError("path must be the folder of an embedded ClickHouse", operation=_OPERATION)
    return Path(path).expanduser().absolute()


def _connect_to_server(config: Mapping[str, Any]) -> Client:
    url = config["url"]
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        valid = bool(parts.hostname) and not parts.query and not parts.fragment
    except (ValueError, KeyError, AttributeError, TypeError):
        valid = False
    if not valid:
        raise ConfigurationError(
            "url must be the URL of ClickHouse's HTTP interface",
            operation=_OPERATION,
            hint="for example https://clickhouse.example.com:8443",
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "the URL contains credentials", operation=_OPERATION, hint="give them as username and password instead"
        )
    _check_values(config)
    with _translated_errors(shown_place(config)):
        import clickhouse_connect  # noqa: PLC0415 - slow to import, and optional

        return clickhouse_connect.get_client(
            interface=parts.scheme,
            host=parts.hostname,
            port=port,
            proxy_path=parts.path.strip("/"),
            username=config.get("username"),
            password=config.get("password") or "",
            verify=config.get("verify", True),
            ca_cert=config.get("ca_cert") and str(Path(config["ca_cert"]).expanduser()),
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            send_receive_timeout=config.get("timeout_seconds", _TIMEOUT_SECONDS),
            compress=True,
            autogenerate_session_id=False,  # a session works with only one of the servers behind a load balancer
        )


def _check_values(config: Mapping[str, Any]) -> None:
    """Check the types of the values besides the URL. The driver accepts any value, and fails later.

    Raises:
        ConfigurationError: a value is wrong.
    """
    timeout, ca_cert = config.get("timeout_seconds", _TIMEOUT_SECONDS), config.get("ca_cert")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        raise ConfigurationError("timeout_seconds must be a positive number", operation=_OPERATION)
    for name in ("username", "password"):
        if not isinstance(config.get(name, ""), str | None):
            raise ConfigurationError(f"{name} must be a text", operation=_OPERATION)
    if not isinstance(config.get("verify", True), bool):
        raise ConfigurationError("verify must be true or false", operation=_OPERATION)
    if ca_cert is not None and not (isinstance(ca_cert, str) and Path(ca_cert).expanduser().is_file()):
        raise ConfigurationError("ca_cert must be the path of a file with certificates", operation=_OPERATION)


def _open_embedded(path: Path) -> Client:
    with _translated_errors(str(path), is_embedded=True):
        import chdb  # noqa: F401, PLC0415 - slow to import, and optional
        import clickhouse_connect  # noqa: PLC0415 - likewise

        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return clickhouse_connect.get_client(dsn="chdb://" + str(path), settings=_EMBEDDED_SETTINGS)


@contextmanager
def _translated_errors(place: str, *, is_embedded: bool = False) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        extra = "embedded" if error.name == "chdb" else "clickhouse"
        raise ConfigurationError(
            f"{error.name} is not installed", operation=_OPERATION, hint=f"pip install 'openedx-log-replay[{extra}]'"
        ) from None
    except (*FOREIGN, RuntimeError, ValueError) as error:
        if is_embedded:
            reason, hint = _embedded_reason(error), None
        else:
            reason, hint = error_reason(error), error_hint(error)
        cause = None if is_embedded else temporary_error(error)
        raise ConfigurationError(reason, operation=_OPERATION, object=place, hint=hint) from cause


def _embedded_reason(error: BaseException) -> str:
    """Return why the embedded engine did not start."""
    if "already initialized" in str(error):
        return "this process already has another embedded database open, and can have only one"
    if "EmbeddedServer" in str(error):
        return "another process has this embedded database open, or it is damaged"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return error_message(error)  # no rows are involved yet, so the message can be shown
