"""One run's configuration, frozen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from log_replay.events.filters import Filters
    from log_replay.options.values import Allowance


@dataclass(frozen=True, slots=True)
class Place:
    """A provider, in capitals as libcloud names it or one of our own, and its configuration (secrets included)."""

    provider: str
    config: Mapping[str, Any]

    @property
    def public(self) -> dict[str, str]:
        """What of the configuration says which place this is, and nothing that gives access to it."""
        shown = ("key",) if self.provider == "LOCAL" else ()
        names = (*shown, "container", "prefix", "host", "port", "region", "url", "path", "database", "table")
        return {name: str(self.config[name]) for name in names if self.config.get(name) is not None}


@dataclass(frozen=True, slots=True)
class Options:
    """One run's configuration. Attributes are called what their options are called; ``given`` is the command line."""

    source: Place
    destination: Place
    transformer_type: str
    batch_size: int
    sleep_between_batches_secs: float
    dry_run: bool
    lrs_urls: tuple[str, ...]
    log_to: str
    log_format: str
    max_line_bytes: str | None
    filters: Filters
    rejects: Path | None
    summary: Path | None
    max_rejected: Allowance | None
    add_external_ids: bool
    transformers: str
    verify_sample: float
    workers: int
    run: str | None
    plan: bool
    unit_size_bytes: int
    from_rejects: Mapping[str, frozenset[int]] | None
    rejects_with_content: bool
    grace_secs: float
    missing_from: Mapping[str, Any] | None
    tracking: bool
    given: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that are the same for runs that make the same outputs of the same source."""
        content = {
            "source": [self.source.provider, self.source.public],
            "type": self.transformer_type,
            "batch_size": self.batch_size,
            "filters": [str(getattr(self.filters, name)) for name in ("since", "until", "events", "courses", "orgs")],
            "users": sorted(self.filters.users),
        }
        for name in ("format", "layout"):
            if name in self.destination.config:
                content[name] = self.destination.config[name]
        if self.missing_from is not None:
            content["only_missing"] = True
        if self.from_rejects is not None:
            content["lines"] = self.from_rejects_digest
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def from_rejects_digest(self) -> str | None:
        """What tells one choice of lines from another."""
        if self.from_rejects is None:
            return None
        lines = sorted((name, sorted(offsets)) for name, offsets in self.from_rejects.items())
        return hashlib.sha256(json.dumps(lines).encode()).hexdigest()[:12]
