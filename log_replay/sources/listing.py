"""What to list, and which of what is listed is a log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from log_replay.errors import ConfigurationError
from log_replay.records import SkippedObject, SourceObject
from log_replay.storage.output_names import is_own_output

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Location:
    """Where to look, as ``--source_config`` says it; ``driver`` holds credentials and is never shown."""

    container: str
    prefix: str = ""
    driver: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Self:
        """Tell the container and the prefix from what is the driver's.

        Raises:
            ConfigurationError: there is no container, or either is no text.
        """
        rest = dict(config)
        container = rest.pop("container", None)
        prefix = rest.pop("prefix", None) or ""
        if not isinstance(container, str) or not container:
            raise ConfigurationError(
                "the source has no container",
                hint='name the folder or bucket as "container" in --source_config',
            )
        if not isinstance(prefix, str):
            raise ConfigurationError("the source's prefix is no text", hint='"prefix" in --source_config is a string')
        # Upstream's documentation writes prefixes with a leading slash, object names have none.
        return cls(container, prefix.lstrip("/"), rest)


def listed(name: str, size_bytes: int | None, version: str | None) -> SourceObject | SkippedObject:
    """Return the object of this name, or why it is not a log."""
    if name.endswith("/"):
        return SkippedObject(name, "placeholder")
    if is_own_output(name):
        return SkippedObject(name, "own output")
    if size_bytes == 0:
        return SkippedObject(name, "empty")
    return SourceObject(name, size_bytes, version)
