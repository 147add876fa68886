"""The options of a comparison: those of a run that say what is read and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.tables import statement_table
from log_replay.gaps.compare import KEYS
from log_replay.options import OPTIONS, read_options
from log_replay.options.option import Option
from log_replay.options.values import read_config, writable_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from log_replay.clickhouse.tables import Table
    from log_replay.options import Options

#: Only ids are kept of a batch, so that nothing is won by large ones.
_BATCH_SIZE = 2000
TAKEN = (
    "source_provider", "source_config", "transformer_type", "since", "until", "event", "course", "org", "user",
    "unit_size", "workers", "transformers", "rejects", "grace_secs",
)  # fmt: skip
COMPARISON = "Comparison"
GAP_OPTIONS: dict[str, Option] = {
    **{name: OPTIONS[name] for name in TAKEN},
    "missing_from": Option(
        group=COMPARISON,
        default="{}",
        metavar="JSON",
        help="The ClickHouse to compare with, described as a destination (default: the embedded one).",
    ),
    "by": Option(group=COMPARISON, choices=list(KEYS), default="day", help="What to count by (default day)."),
    "json": Option(group=COMPARISON, metavar="PATH", help="Write the counts as JSON, too."),
    "html": Option(
        group=COMPARISON,
        metavar="PATH",
        help="Write a page with charts, too; it needs nothing else and opens offline.",
    ),
}


@dataclass(frozen=True, slots=True)
class GapOptions:
    """One comparison's configuration; ``run`` is that of reading the logs."""

    run: Options
    config: Mapping[str, Any]
    table: Table
    by: str
    json: Path | None
    html: Path | None

    @property
    def whole(self) -> bool:
        """Whether all events of the period are compared."""
        filters = self.run.filters
        return not (filters.events or filters.courses or filters.orgs or filters.users)


def read_gap_options(given: Mapping[str, Any]) -> GapOptions:
    """Check the parsed command line.

    Raises:
        ConfigurationError: something in it is wrong; nothing has been read or written.
    """
    config = read_config("--missing_from", given["missing_from"])
    run = {"destination_provider": "LOGGER", "dry_run": True, "log_to": "null", "batch_size": _BATCH_SIZE}
    return GapOptions(
        run=read_options({**{name: given[name] for name in TAKEN}, **run}),
        config=config,
        table=statement_table(config, given["transformer_type"]),
        by=given["by"],
        json=given["json"] and writable_path("--json", given["json"]),
        html=given["html"] and writable_path("--html", given["html"]),
    )
