"""A source or a destination: its provider and configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The provider of several sources in one; see ``sources.paths``.
PATHS = "PATHS"
_SHOWN_PATHS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A storage provider or destination, and its configuration, secrets included."""

    provider: str
    config: Mapping[str, Any]

    @property
    def public(self) -> dict[str, str]:
        """The settings that tell one place from another and give no access to it."""
        shown = ("key",) if self.provider == "LOCAL" else ()
        names = (
            *shown,
            "container",
            "prefix",
            "host",
            "port",
            "region",
            "url",
            "path",
            "database",
            "table",
            "since",
            "until",
        )
        found = {name: str(self.config[name]) for name in names if self.config.get(name) is not None}
        if self.config.get("unwrap"):
            found["unwrap"] = "true"
        if self.provider == PATHS:
            found |= {"base": self.config["base"], "paths": " ".join(self.config["paths"])}
        return found

    @property
    def is_remote(self) -> bool:
        """True if reading it means requests to a server."""
        if self.provider == PATHS:
            return any("provider" in place for place in self.config["places"])
        return self.provider not in {"LOCAL", "STDIN"}

    @property
    def naming(self) -> dict[str, str]:
        """The public settings that the names of output files depend on.

        For several sources this is their folder alone: the output of one object has the same name whatever else is
        replayed.
        """
        return {name: value for name, value in self.public.items() if name != "paths"}

    @property
    def shown(self) -> str:
        """The place in a message."""
        if self.provider == PATHS:
            paths = self.config["paths"]
            return ", ".join(paths[:_SHOWN_PATHS]) + ", ..." * (len(paths) > _SHOWN_PATHS)
        return " ".join([self.provider, *(f"{name}={value!r}" for name, value in self.public.items())])
