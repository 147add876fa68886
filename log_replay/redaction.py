"""Recognise the secrets of a configuration, and keep them out of messages and of the ledger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "***"
#: Words in the names of settings whose values are secrets, of our own destinations and of libcloud's providers.
_SECRET_NAME = re.compile(r"key|secret|token|pass|credential|private|signature")
#: A value that names the environment variable that holds the secret.
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
#: Shorter values are not masked: they occur in ordinary words by chance.
_SHORTEST_SECRET = 4


def split_secrets(provider: str, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a configuration without its secrets, and the names of the settings that were left out.

    A reference to an environment variable (``${NAME}``) is no secret.
    """
    kept: dict[str, Any] = {}
    secrets: list[str] = []
    for name, value in config.items():
        if _is_secret(provider, name, value) and not (isinstance(value, str) and _REFERENCE.fullmatch(value)):
            secrets.append(name)
        else:
            kept[name] = value
    return kept, secrets


def masked(text: str, provider: str, config: Mapping[str, Any]) -> str:
    """Return a message with the secrets of a configuration masked.

    Only whole values are masked: the password ``pass`` leaves the word ``password`` as it is.
    """
    secrets = [value for name, value in config.items() if isinstance(value, str) and _is_secret(provider, name, value)]
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) < _SHORTEST_SECRET:
            break
        # An error often quotes a value as Python spells it.
        for spelled in dict.fromkeys((secret, repr(secret)[1:-1])):
            text = re.sub(rf"(?<!\w){re.escape(spelled)}(?!\w)", MASK, text)
    return text


def without_credentials(url: str) -> str:
    """Return a URL without user name, password, query and fragment: each of them can hold a secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a malformed URL"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _is_secret(provider: str, name: str, value: Any) -> bool:
    if name == "url":
        return isinstance(value, str) and without_credentials(value) != value
    # For LOCAL, "key" is a folder.
    return bool(_SECRET_NAME.search(name)) and not (provider.upper() == "LOCAL" and name == "key")
