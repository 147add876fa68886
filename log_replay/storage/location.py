"""The container and the prefix of a source or a destination."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from log_replay.errors import ConfigurationError
from log_replay.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

Side: TypeAlias = Literal["source", "destination"]


@dataclass(frozen=True, slots=True)
class Location:
    """A container and a prefix. ``options`` are the driver's options, and contain credentials."""

    container: str
    prefix: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, config: Mapping[str, Any], side: Side) -> Self:
        """Split ``--source_config`` or ``--destination_config`` into container, prefix and driver options.

        Raises:
            ConfigurationError: there is no container, its name is not valid, or the prefix is not a string.
        """
        options = dict(config)
        container = options.pop("container", None)
        prefix = options.pop("prefix", None) or ""
        if not isinstance(container, str) or not container:
            misspelt = nearest("container", options)
            if misspelt:
                raise ConfigurationError(f"the {side} has no option {misspelt}", hint="did you mean container?")
            raise ConfigurationError(
                f"the {side} has no container",
                hint=f'name the folder or bucket as "container" in --{side}_config',
            )
        if "/" in container or "\0" in container or container in {".", ".."}:
            raise ConfigurationError(
                f"the container {container!r} of the {side} is not a single name",
                hint='"container" is one folder or bucket; folders in it belong in "prefix"',
            )
        if not isinstance(prefix, str):
            raise ConfigurationError(f"the prefix of the {side} is not a string", hint=f"see --{side}_config")
        # Upstream's documentation writes prefixes with a leading slash, but names of objects have none.
        return cls(container, prefix.lstrip("/"), options)
