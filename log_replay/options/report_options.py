"""The rows of the table of options that are about the report of a dry run."""
# ruff: noqa: RUF009 - option() returns a dataclass field

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_replay.options.option import REPORT, option
from log_replay.options.values import writable_path

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """The options of the report, which ends every dry run. A real run ignores none of them: it refuses them."""

    # fmt: off
    json: Path | None = option(
        REPORT,
        "Write the whole report to this file as JSON.",
        read=writable_path, metavar="PATH", path=True, stored=False, needs="dry_run",
    )
