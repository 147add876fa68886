"""The rows of the table of options that are about the report of a dry run."""
# ruff: noqa: RUF009 - option() returns a dataclass field

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_replay.options.option import REPORT, option
from log_replay.options.values import read_sample, writable_path

if TYPE_CHECKING:
    from pathlib import Path

    from log_replay.options.values import Sample


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """The options of the report, which ends every dry run. A real run ignores none of them: it refuses them."""

    # fmt: off
    json: Path | None = option(
        REPORT,
        "Write the whole report to this file as JSON.",
        read=writable_path, metavar="PATH", path=True, stored=False, needs="dry_run",
    )
    html: Path | None = option(
        REPORT,
        "Write the report to this file as a page with charts, tables, and examples of events and their statements. It "
        "opens in a browser without a network. Needs the extra html.",
        read=writable_path, metavar="PATH", path=True, stored=False, needs="dry_run",
    )
    with_content: bool = option(
        REPORT,
        "Show the content of the examples in --html: user names, email addresses and answers. By default it is masked.",
        flag=True, stored=False, needs="dry_run",
    )
    sample: Sample | None = option(
        REPORT,
        "Read only a sample: a share such as 5%, or a size such as 1GB (decompressed). Every figure of the report then "
        "has a 95 % interval. all reads everything; auto, the default of inspect, reads everything up to 2 GB, and 512 "
        "MiB of a larger log.",
        read=read_sample, metavar="SAMPLE", stored=False, needs="dry_run",
    )
