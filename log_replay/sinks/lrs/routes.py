"""The routes of an LRS run: those of ERB's router configuration, or one from the command line."""

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

_GIVEN_ROUTE_HINT = 'for example {"url": "https://lrs.example.com/xAPI", "username": "...", "password": "..."}'
_KEYS = frozenset({"url", "username", "password", "auth_key", "token"})


@dataclass(frozen=True)
class Route:
    """One LRS or Caliper endpoint with its filter.

    Args:
        url: the URL as configured; for xAPI, ``/statements`` is added to it.
        authorization: the value of the ``Authorization`` header; None for no header.
        headers: further headers (Caliper only).
        override: replaces top-level fields of each statement (``override_args``).
        match: the filter (``match_params``); empty to accept every event.
    """

    url: str
    authorization: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    override: Mapping[str, Any] = field(default_factory=dict, repr=False)
    match: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        """The URL for messages, without credentials."""
        return without_credentials(self.url)

    def text(self, statement: Statement) -> bytes:
        """Return the JSON of a statement with the route's overrides."""
        if not self.override:
            return statement.text
        return json_text({**json.loads(statement.text), **self.override})

    def check(self, *, is_xapi: bool) -> None:
        """Check that the configuration of the route is valid.

        Raises:
            ConfigurationError: it is not valid.
        """
        self._check_url(is_xapi=is_xapi)
        for key, expressions in self.match.items():
            self._check_expressions(key, expressions if isinstance(expressions, list) else [expressions])
        for name, value in {**self.headers, "Authorization": self.authorization or "-"}.items():
            # A line break would start another header. HTTP headers are latin-1.
            if not isinstance(value, str) or not value.isprintable() or not _is_latin_1(value):
                raise self.error(f"the header {name} has an invalid value")
        try:
            json_text(dict(self.override))
        except ValueError:
            raise self.error("override_args contain a number that JSON does not have") from None

    def error(self, message: str, hint: str | None = None) -> ConfigurationError:
        """Return an error about this route."""
        return ConfigurationError(message, operation="configure the route", object=self.shown, hint=hint)

    def _check_url(self, *, is_xapi: bool) -> None:
        try:
            parts = urlsplit(self.url)
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise self.error("not a URL of an LRS", "for example https://lrs.example.com/xAPI")
        if parts.username is not None or parts.password is not None:
            raise self.error("the URL contains credentials", "give them as username and password instead")
        if "#" in self.url:
            raise self.error("the URL contains a fragment", "remove the part from # on")
        if "?" in self.url and is_xapi:
            raise self.error("the URL contains a query", "remove the part from ? on: /statements is added to the URL")

    def _check_expressions(self, key: str, expressions: list[Any]) -> None:
        for expression in expressions:
            try:
                re.compile(str(expression))
            except re.error as error:
                raise self.error(f"match_params {key!r} is not a regular expression: {error}") from None


def given_route(config: Mapping[str, Any]) -> Route:
    """Return the route in ``--destination_config``.

    Raises:
        ConfigurationError: the configuration is not valid.
    """
    unknown = sorted(set(config) - _KEYS)
    if unknown:
        raise ConfigurationError(
            f"unknown settings of LRS: {', '.join(unknown)}",
            operation="open the destination",
            hint=did_you_mean(unknown[0], _KEYS)
            or "the settings are url, username, password, auth_key (or token), timeout_seconds, verify, compression",
        )
    if "url" not in config:
        raise ConfigurationError(
            "the setting url of LRS is missing", operation="open the destination", hint=_GIVEN_ROUTE_HINT
        )
    wrong = sorted(name for name, value in config.items() if not isinstance(value, str) or not value)
    if wrong:
        raise ConfigurationError(
            f"settings of LRS with a value that is not a text, or empty: {', '.join(wrong)}",
            operation="open the destination",
            hint=_GIVEN_ROUTE_HINT,
        )
    username, password = config.get("username"), config.get("password")
    token = config.get("auth_key") or config.get("token")
    if (username is None) != (password is None) or (token and username):
        raise ConfigurationError(
            "give LRS username and password together, or auth_key (also called token) alone, or none of them",
            operation="open the destination",
        )
    authorization = _bearer(token) if token else _basic(username, password)
    return Route(config["url"], authorization)


def enabled_routes(transformer_type: str) -> list[Route]:
    """Return the current and enabled routes of ERB's router configuration for ``xapi`` or ``caliper``.

    Raises:
        ConfigurationError: the table cannot be read, or a row is not valid.
    """
    try:
        from event_routing_backends.models import RouterConfiguration  # noqa: PLC0415 - needs a configured Django

        # Rows contain "xAPI". Upstream filters by "xapi" in the database, which works on MySQL but not on SQLite.
        rows = [
            row
            for row in RouterConfiguration.objects.current_set().filter(enabled=True).order_by("-change_date", "-pk")
            if row.backend_name.lower() == transformer_type.lower()
        ]
    except Exception as error:
        # Any error here is one of the configuration: no app, no table, no database, or a wrong key.
        raise ConfigurationError(
            f"the router configuration cannot be read: {type(error).__name__}",
            operation="open the destination",
            hint="it needs event_routing_backends in INSTALLED_APPS, its migrations, and the FERNET_KEYS of the LMS;"
            " without it, give the LRS with --destination_config '{\"url\": ...}'",
        ) from error
    return [_row_route(row) for row in rows]


def _row_route(row: Any) -> Route:
    configurations = row.configurations or {}
    route = Route(row.route_url)
    if not isinstance(configurations, dict):
        raise route.error("its configurations are not a JSON object")
    parts = {name: configurations.get(name, {}) for name in ("match_params", "override_args", "headers")}
    for name, part in parts.items():
        if not isinstance(part, dict):
            raise route.error(f"{name} is not a JSON object")
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
    """Return the routes with these URLs, or all routes without URLs.

    Raises:
        ConfigurationError: a URL is not the URL of a route.
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
    """Return the name of each route: its URL without credentials, and a number if several routes have the same URL.

    Events, the ledger and reports identify routes by name. So the numbers depend on the routes' content and not on
    their order, which changes when a row is saved.
    """
    same_url: dict[str, list[Route]] = {}
    for route in sorted(routes, key=_content):
        same_url.setdefault(route.shown, []).append(route)
    named = {
        id(route): shown if number == 1 else f"{shown} ({number})"
        for shown, same in same_url.items()
        for number, route in enumerate(same, 1)
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
