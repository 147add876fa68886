"""Where an LRS run sends to: the routes of ERB's router configuration, or the one that the command line gives."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from log_replay.errors import ConfigurationError
from log_replay.redaction import without_credentials
from log_replay.spelling import did_you_mean
from log_replay.statements.serialise import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.records import Statement

_KEYS = frozenset({"url", "username", "password", "auth_key", "token"})


@dataclass(frozen=True)
class Route:
    """One LRS or Caliper endpoint, and which events go to it.

    Args:
        url: the endpoint as it was configured; for xAPI what ``statements`` is appended to.
        authorization: the value of the header of this name; None sends none.
        headers: further headers (Caliper only).
        override: what replaces top-level fields of each statement.
        match: ``match_params``; empty if every event goes here.
    """

    url: str
    authorization: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    override: Mapping[str, Any] = field(default_factory=dict, repr=False)
    match: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        """The URL without what can be secret in it."""
        return without_credentials(self.url)

    def text(self, statement: Statement) -> bytes:
        """Return the statement's JSON as this route wants it."""
        if not self.override:
            return statement.text
        return json_text({**json.loads(statement.text), **self.override})

    def check(self) -> None:
        """Find out whether everything in it can be used.

        Raises:
            ConfigurationError: something cannot.
        """
        self._check_url()
        for key, expressions in self.match.items():
            self._check_expressions(key, expressions if isinstance(expressions, list) else [expressions])
        for name, value in {**self.headers, "Authorization": self.authorization or "-"}.items():
            # A line break in a header's value would be a second header; latin-1 is all that HTTP can carry.
            if not isinstance(value, str) or not value.isprintable() or not _is_latin_1(value):
                raise self.error(f"the header {name} has a value that cannot be sent")
        try:
            json_text(dict(self.override))
        except ValueError:
            raise self.error("override_args hold a number that JSON cannot spell") from None

    def error(self, message: str, hint: str | None = None) -> ConfigurationError:
        """Return an error about this route."""
        return ConfigurationError(message, operation="configure the route", object=self.shown, hint=hint)

    def _check_url(self) -> None:
        try:
            parts = urlsplit(self.url)
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise self.error("this is no URL of an LRS", "it must look like https://lrs.example.com/xAPI")
        if parts.username is not None or parts.password is not None:
            raise self.error("the URL holds credentials", "give them as username and password instead")

    def _check_expressions(self, key: str, expressions: list[Any]) -> None:
        for expression in expressions:
            try:
                re.compile(str(expression))
            except re.error as error:
                raise self.error(f"match_params {key!r} is no regular expression: {error}") from None


def given_route(config: Mapping[str, Any]) -> Route:
    """Return the route that ``--destination_config`` describes.

    Raises:
        ConfigurationError: it does not describe one.
    """
    unknown = sorted(set(config) - _KEYS)
    if unknown:
        raise ConfigurationError(
            f"LRS does not know {', '.join(unknown)}",
            operation="open the destination",
            hint=did_you_mean(unknown[0], _KEYS)
            or "it knows url, username, password, auth_key (or token), timeout_seconds, verify and compression",
        )
    wrong = sorted(name for name, value in config.items() if not isinstance(value, str) or not value)
    if wrong or "url" not in config:
        raise ConfigurationError(f"LRS needs a text as {', '.join(wrong) or 'url'}", operation="open the destination")
    username, password = config.get("username"), config.get("password")
    token = config.get("auth_key") or config.get("token")
    if (username is None) != (password is None) or (token and username):
        raise ConfigurationError(
            "LRS needs username and password, or auth_key (also called token), or none of them",
            operation="open the destination",
        )
    authorization = _bearer(token) if token else _basic(username, password)
    return Route(config["url"], authorization)


def enabled_routes(transformer_type: str) -> list[Route]:
    """Return the current and enabled rows of ERB's router configuration for ``xapi`` or ``caliper``.

    Raises:
        ConfigurationError: the table cannot be read, or a row makes no sense.
    """
    try:
        from event_routing_backends.models import RouterConfiguration  # noqa: PLC0415 - needs a configured Django

        # Upstream filters by "xapi" in the database, where rows say "xAPI": right on MySQL, and never on SQLite.
        rows = [
            row
            for row in RouterConfiguration.objects.current_set().filter(enabled=True).order_by("-change_date", "-pk")
            if row.backend_name.lower() == transformer_type.lower()
        ]
    except Exception as error:
        # Whatever it is (no app, no table, no database, a wrong key), nothing was read or written yet.
        raise ConfigurationError(
            f"the router configuration cannot be read: {type(error).__name__}",
            operation="open the destination",
            hint="needs event_routing_backends in INSTALLED_APPS, its migrations, and the FERNET_KEYS that it was"
            " written with; without it, give the LRS with --destination_config '{\"url\": ...}'",
        ) from error
    return [_row_route(row) for row in rows]


def _row_route(row: Any) -> Route:
    configurations = row.configurations or {}
    shown = Route(row.route_url)
    if not isinstance(configurations, dict):
        raise shown.error("its configurations are no JSON object")
    parts = {name: configurations.get(name, {}) for name in ("match_params", "override_args", "headers")}
    for name, part in parts.items():
        if not isinstance(part, dict):
            raise shown.error(f"{name} is no JSON object")
    authorization = None
    if row.auth_scheme == row.AUTH_BASIC:
        authorization = _basic(row.username, row.password)
    elif row.auth_scheme == row.AUTH_BEARER and row.auth_key:
        authorization = _bearer(row.auth_key)
    return Route(
        url=row.route_url,
        authorization=authorization,
        headers=parts["headers"] if row.backend_name.lower() == row.CALIPER_BACKEND.lower() else {},
        override=parts["override_args"],
        match=parts["match_params"],
    )


def restricted(routes: list[Route], urls: Sequence[str] | None) -> list[Route]:
    """Return the routes of these URLs, or all of them where none is named.

    Raises:
        ConfigurationError: one of the URLs is no route.
    """
    unknown = sorted(set(urls or ()) - {route.url for route in routes})
    if unknown:
        raise ConfigurationError(
            f"no enabled route for {', '.join(Route(url).shown for url in unknown)}",
            operation="open the destination",
            hint=f"enabled: {', '.join(route.shown for route in routes) or 'none'}",
        )
    return [route for route in routes if not urls or route.url in urls]


def names(routes: Sequence[Route]) -> list[str]:
    """Return what each route is called: its URL without secrets, and a number where another has the same.

    The ledger knows routes by these names, so that the numbers must not depend on the order, the latest changes first.
    """
    alike: dict[str, list[Route]] = {}
    for route in sorted(routes, key=_content):
        alike.setdefault(route.shown, []).append(route)
    named = {
        id(route): shown if number == 1 else f"{shown} ({number})"
        for shown, found in alike.items()
        for number, route in enumerate(found, 1)
    }
    return [named[id(route)] for route in routes]


def _content(route: Route) -> str:
    return json.dumps([route.url, route.match, route.override, sorted(route.headers)], sort_keys=True, default=str)


def _basic(username: str | None, password: str | None) -> str | None:
    if username is None or password is None:
        return None
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def _bearer(token: str) -> str:
    return f"Bearer {token}"


def _is_latin_1(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
