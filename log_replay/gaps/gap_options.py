"""The options of a comparison: those for reading and transforming logs, and some of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.tables import check_keys, statement_table
from log_replay.errors import ConfigurationError
from log_replay.gaps.compare import KEYS
from log_replay.options import OPTIONS, read_options
from log_replay.options.option import CLICKHOUSE, Option
from log_replay.options.places import destination_place
from log_replay.options.urls import SCHEMES
from log_replay.options.values import read_config, writable_path
from log_replay.pipeline.output_paths import check_output_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from log_replay.clickhouse.tables import Table
    from log_replay.options import Options

#: A batch is reduced to its ids, so larger batches only take more memory.
_BATCH_SIZE = 2000
_RUN_OPTIONS = (
    "sources", "base", "source_provider", "source_config", "transformer_type", "since", "until", "event", "course",
    "org", "user", "unit_size", "workers", "transformers", "rejects", "skip_unreadable", "grace_secs",
)  # fmt: skip
#: The beginnings of the files that a comparison writes.
_JSON, _HTML = b'{\n  "table":', b"<!DOCTYPE html>"
COMPARISON = "Comparison"
GAP_OPTIONS: dict[str, Option] = {
    **{name: OPTIONS[name] for name in _RUN_OPTIONS},
    "to": Option(
        group=COMPARISON,
        metavar="DESTINATION",
        help="ClickHouse to compare with: clickhouse://USER@HOST:PORT/DATABASE, or clickhouse (the embedded one).",
    ),
    "missing_from": Option(
        group=COMPARISON,
        default="{}",
        metavar="JSON",
        help="ClickHouse to compare with, configured like a destination (default: the embedded one). With --to it has "
        "further settings.",
    ),
    "by": Option(group=COMPARISON, choices=list(KEYS), default="day", help="Grouping of the numbers (default day)."),
    "fail_if_missing": Option(
        group=COMPARISON, flag=True, help="Exit with 1 if statements of the logs are missing from the table."
    ),
    "json": Option(group=COMPARISON, metavar="PATH", help="Write the numbers to this file as JSON, too."),
    "html": Option(
        group=COMPARISON,
        metavar="PATH",
        help="Write an HTML report with charts to this file, too. It is a single file that opens offline.",
    ),
}


@dataclass(frozen=True, slots=True)
class GapOptions:
    """The configuration of a comparison; ``run`` configures the run that reads the logs."""

    run: Options
    config: Mapping[str, Any]
    table: Table
    by: str
    fail_if_missing: bool
    json: Path | None
    html: Path | None

    @property
    def whole(self) -> bool:
        """True if all events of the period are compared: no other filter is set."""
        filters = self.run.filters
        return not (filters.events or filters.courses or filters.orgs or filters.users)


def read_gap_options(given: Mapping[str, Any]) -> GapOptions:
    """Return the checked options.

    Raises:
        ConfigurationError: an option is wrong; nothing has been read or written.
    """
    config = read_config("--missing_from", given["missing_from"])
    if given["to"] is not None:
        provider, config = destination_place(given["to"], config)
        if provider != CLICKHOUSE:
            raise ConfigurationError(
                "--to is not a ClickHouse", hint=f"write --to {SCHEMES['clickhouse'].form}, or --to clickhouse"
            )
    check_keys(config, "--missing_from")
    run = {"destination_provider": "LOGGER", "dry_run": True, "log_to": "null", "batch_size": _BATCH_SIZE}
    run["validate"] = False  # only the ids of statements are compared
    options = GapOptions(
        run=read_options({**{name: given[name] for name in _RUN_OPTIONS}, **run}),
        config=config,
        table=statement_table(config, given["transformer_type"]),
        by=given["by"],
        fail_if_missing=given["fail_if_missing"],
        json=given["json"] and writable_path("--json", given["json"]),
        html=given["html"] and writable_path("--html", given["html"]),
    )
    for option, path, beginning in (("--json", options.json, _JSON), ("--html", options.html, _HTML)):
        if path:
            check_output_path(option, path, lambda head, start=beginning: head.startswith(start), options.run)  # type: ignore[misc]
    return options
