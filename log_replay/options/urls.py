"""The URLs of sources and destinations: their forms, and the environment variables with their credentials.

A URL never contains a credential: other users see command lines, and shells keep them.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from log_replay.errors import ConfigurationError
from log_replay.spelling import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_replay.storage.location import Side

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
#: What follows ``scheme://`` up to a password: a user and a colon, or something else that is not a host with a port.
_PASSWORD = re.compile(r"[^/@]*:[^/]*@|(?!\[)[^/@]*:(?!\d*(?:[/?]|$))[^@]*@|[^/@]*:\d*/[^/]*@", re.DOTALL)
#: The same for a scheme without a host: the name of a bucket has no colon.
_COLON = re.compile(r"[^/]*:")
_QUERY = re.compile(r"\?((?:[A-Za-z_]+=[^&]*)(?:&[A-Za-z_]+=[^&]*)*)$")
_SECRET_NAME = re.compile(r"key|secret|token|pass|credential|signature|user", re.IGNORECASE)
_GOOGLE_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_HTTP_PORT = 8123


@dataclass(frozen=True, slots=True)
class Scheme:
    """One form of URL.

    Attributes:
        provider: the provider that it stands for.
        form: how it is written.
        variables: the environment variables that are read for each setting; the first that is set is used.
        required: the settings that must be set.
        sides: ``source``, ``destination`` or both.
    """

    provider: str
    form: str
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    sides: tuple[Side, ...] = ("source", "destination")


_WITHOUT_HOST, _LRS = frozenset({"s3", "gs", "az"}), frozenset({"http", "https"})
_LRS_VARIABLES = {"username": ("LRS_USERNAME",), "password": ("LRS_PASSWORD",), "token": ("LRS_TOKEN",)}
SCHEMES = {
    "s3": Scheme(
        "S3",
        "s3://BUCKET/PREFIX",
        {
            "key": ("AWS_ACCESS_KEY_ID",),
            "secret": ("AWS_SECRET_ACCESS_KEY",),
            "token": ("AWS_SESSION_TOKEN",),
            "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
            "endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        },
        ("key", "secret"),
    ),
    "minio": Scheme(
        "MINIO",
        "minio://HOST:PORT/BUCKET/PREFIX",
        {"key": ("MINIO_ACCESS_KEY", "MINIO_ROOT_USER"), "secret": ("MINIO_SECRET_KEY", "MINIO_ROOT_PASSWORD")},
        ("key", "secret"),
    ),
    "gs": Scheme(
        "GOOGLE_STORAGE",
        "gs://BUCKET/PREFIX",
        {"key": ("GS_ACCESS_KEY_ID",), "secret": ("GS_SECRET_ACCESS_KEY",), "service account": (_GOOGLE_FILE,)},
        ("key", "secret"),
    ),
    "az": Scheme(
        "AZURE_BLOBS",
        "az://CONTAINER/PREFIX",
        {"key": ("AZURE_STORAGE_ACCOUNT",), "secret": ("AZURE_STORAGE_KEY",)},
        ("key", "secret"),
    ),
    "clickhouse": Scheme(
        "CLICKHOUSE",
        "clickhouse://USER@HOST:PORT/DATABASE",
        {"username": ("CLICKHOUSE_USER",), "password": ("CLICKHOUSE_PASSWORD",)},
    ),
    "https": Scheme("LRS", "https://USER@HOST/xAPI", _LRS_VARIABLES, sides=("destination",)),
    "http": Scheme("LRS", "http://USER@HOST/xAPI", _LRS_VARIABLES, sides=("destination",)),
}


class ParsedUrl(NamedTuple):
    """The parts of a URL. ``shown`` is its form for messages, without user and settings."""

    scheme: str
    user: str
    host: str
    path: str
    settings: Mapping[str, Any]
    shown: str


def is_url(text: str) -> bool:
    """Return True if a source or destination is a URL, and not a path."""
    return _SCHEME.match(text) is not None


def parse_url(text: str, side: Side) -> ParsedUrl:
    """Split a URL.

    Raises:
        ConfigurationError: its scheme is unknown, or it contains a credential. The message does not repeat it.
    """
    found = _SCHEME.match(text)
    if found is None:
        raise ConfigurationError(f"{text!r} is not a URL")
    scheme, rest = found[1].lower(), found[2]
    _check_scheme(scheme, side)
    if (_COLON if scheme in _WITHOUT_HOST else _PASSWORD).match(rest) or (
        scheme in _LRS and "@" in rest.partition("/")[2]
    ):
        variables = SCHEMES[scheme].variables
        name = (variables.get("password") or variables["secret"])[0]
        raise ConfigurationError(
            f"the {scheme}:// URL contains a password, which other users of this machine can see",
            hint=f"leave it out of the URL, and set the environment variable {name}",
        )
    query = _QUERY.search(rest)
    address = rest[: query.start()] if query else rest
    authority, _, path = address.partition("/")
    user, _, host = authority.rpartition("@")
    shown = f"{scheme}://{f'{host}/{path}'.rstrip('/')}"
    settings = {name: _setting(name, value, shown) for name, value in parse_qsl(query[1])} if query else {}
    return ParsedUrl(scheme, user, host, path, settings, shown)


def bucket_config(url: ParsedUrl, given: Mapping[str, Any], side: Side) -> dict[str, Any]:
    """Return the configuration of libcloud's provider for a URL such as ``s3://BUCKET/PREFIX``.

    Args:
        url: the URL.
        given: the settings of ``--source_config`` or ``--destination_config``. They replace those of the environment.
        side: which of the two.

    Raises:
        ConfigurationError: the bucket or a credential is missing.
    """
    place: dict[str, Any] = {}
    bucket, prefix = url.host, url.path
    if url.scheme == "minio":
        place = _host(url)
        bucket, _, prefix = url.path.partition("/")
    if not bucket:
        form = SCHEMES[url.scheme].form
        raise ConfigurationError(f"{url.shown} has no {_bucket_word(url)}", hint=f"write {form}")
    if url.user:
        raise ConfigurationError(f"{url.shown} has a user, which has no effect", hint="remove the part up to the @")
    settings = {**_environment(url.scheme), **url.settings, **given}
    _check_credentials(url, settings, side)
    return {**settings, **place, "container": bucket, "prefix": prefix}


def clickhouse_config(url: ParsedUrl, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of CLICKHOUSE for a URL: HTTPS, but HTTP for port 8123 or with ``?secure=no``.

    Raises:
        ConfigurationError: the URL has no host.
    """
    settings = dict(url.settings)
    place = _host(url)
    secure = settings.pop("secure", place.get("port") != _HTTP_PORT)
    port = place.get("port", 8443 if secure else _HTTP_PORT)
    host = f"[{place['host']}]" if ":" in place["host"] else place["host"]
    config = {"url": f"{'https' if secure else 'http'}://{host}:{port}", **_login(url, given), **settings, **given}
    return {**config, "database": url.path} if url.path else config


def log_table_config(url: ParsedUrl, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of CLICKHOUSE for the URL of a source, whose path is ``DATABASE/TABLE``.

    Raises:
        ConfigurationError: the URL has no host, or names no table.
    """
    database, _, table = url.path.strip("/").partition("/")
    if not table or "/" in table:
        raise ConfigurationError(f"{url.shown} names no table", hint=f"write {SCHEMES[url.scheme].form}/TABLE")
    return {**clickhouse_config(url, given), "database": database, "table": table}


def lrs_config(url: ParsedUrl, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of LRS for a URL.

    Raises:
        ConfigurationError: the URL has no host.
    """
    _host(url)
    return {"url": f"{url.scheme}://{url.host}/{url.path}", **_login(url, given), **url.settings, **given}


def _check_scheme(scheme: str, side: Side) -> None:
    known = [name for name, row in SCHEMES.items() if side in row.sides]
    if scheme in known:
        return
    what = "only a destination" if scheme in SCHEMES else "unknown"
    forms = ", ".join(f"{name}://" for name in known)
    nearest = did_you_mean(f"{scheme}://", [f"{name}://" for name in known])
    raise ConfigurationError(
        f"the scheme {scheme}:// is {what}", hint=nearest or f"a {side} is a path, or begins with {forms}"
    )


def _bucket_word(url: ParsedUrl) -> str:
    return "container" if url.scheme == "az" else "bucket"


def _setting(name: str, value: str, shown: str) -> Any:
    if _SECRET_NAME.search(name):
        raise ConfigurationError(
            f"{shown} has the setting {name}, and settings like this one are secrets",
            hint="remove it from the URL, and set the environment variables of the reference page",
        )
    if value.isdecimal():
        return int(value)
    return {"yes": True, "true": True, "no": False, "false": False}.get(value.lower(), value)


def _host(url: ParsedUrl) -> dict[str, Any]:
    with suppress(ValueError):
        parts = urlsplit(f"//{url.host}")
        if parts.hostname:
            return {"host": parts.hostname, **({"port": parts.port} if parts.port else {})}
    raise ConfigurationError(f"{url.shown} has no valid host", hint=f"write {SCHEMES[url.scheme].form}")


def _environment(scheme: str) -> dict[str, Any]:
    """Return the settings that the environment has for a scheme."""
    variables = SCHEMES[scheme].variables
    found: dict[str, Any] = {}
    for setting, names in variables.items():
        if value := next(filter(None, map(os.environ.get, names)), None):
            found[setting] = value
    if endpoint := found.pop("endpoint", None):
        found.update(_endpoint(endpoint, variables["endpoint"]))
    if path := found.pop("service account", None):
        found = {**_service_account(path), **found}
    return found


def _endpoint(endpoint: str, names: tuple[str, ...]) -> dict[str, Any]:
    with suppress(ValueError):
        parts = urlsplit(endpoint)
        if parts.scheme in {"http", "https"} and parts.hostname:
            port = {"port": parts.port} if parts.port else {}
            return {"host": parts.hostname, "secure": parts.scheme == "https", **port}
    raise ConfigurationError(f"{' or '.join(names)} is not a URL", hint="for example https://s3.example.com")


def _service_account(path: str) -> dict[str, Any]:
    try:
        return {"key": json.loads(Path(path).read_bytes())["client_email"], "secret": path}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{_GOOGLE_FILE} does not name the JSON file of a service account", hint="or unset it"
        ) from error


def _check_credentials(url: ParsedUrl, settings: Mapping[str, Any], side: Side) -> None:
    row = SCHEMES[url.scheme]
    names = [row.variables[name][0] for name in row.required if not settings.get(name)]
    if names:
        raise ConfigurationError(
            f"{url.shown} needs the environment variable{'s' * (len(names) > 1)} {' and '.join(names)}",
            hint=f'export them, or write {{"key": ..., "secret": ...}} to a file for --{side}_config @FILE',
        )


def _login(url: ParsedUrl, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user and password for a URL with a user, or those of the environment."""
    found = _environment(url.scheme)
    if url.user:
        found["username"] = url.user
        found.pop("token", None)
        if not found.get("password") and not given.get("password") and url.scheme != "clickhouse":
            name = SCHEMES[url.scheme].variables["password"][0]
            raise ConfigurationError(
                f"{url.shown} has a user, and there is no password for it", hint=f"set the environment variable {name}"
            )
    return found
