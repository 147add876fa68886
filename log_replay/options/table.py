"""The table of options: one field for each option of a replay, and the frozen configuration that they make."""
# ruff: noqa: RUF009 - option() returns a dataclass field

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from log_replay.events.filters import Filters
from log_replay.options.option import (
    CLICKHOUSE,
    DESTINATION,
    FAILURES,
    FILES,
    LOGGING,
    LRS,
    SELECTION,
    SOURCE,
    SPEED,
    option,
    options_of,
)
from log_replay.options.place import Place
from log_replay.options.run_options import RunOptions
from log_replay.options.values import (
    LONGEST_SECONDS,
    between,
    positive,
    read_allowance,
    read_config,
    read_invalid,
    read_moment,
    read_provider,
    read_size,
    read_workers,
    read_yes,
    words,
    writable_path,
)
from log_replay.report.rejects import read_rejects
from log_replay.storage.local import with_absolute_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from log_replay.options.values import Allowance


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    """The configuration of one run. Each field is a row of the table of options and has the option's name.

    ``given`` is the command line as it was given, with the defaults: the ledger stores it, without secrets.
    """

    # fmt: off
    sources: tuple[str, ...] = option(
        SOURCE,
        "Files, folders, patterns such as 'logs/*.gz', URLs such as s3://BUCKET/PREFIX or "
        "clickhouse://USER@HOST:PORT/DATABASE/TABLE, or - for standard input.",
        read=words, default=[], nargs="*", metavar="SOURCE", positional=True,
    )
    base: str | None = option(
        SOURCE,
        "Folder of relative SOURCEs (default: the current folder). The names of their objects begin below it.",
        metavar="FOLDER", path=True, needs="sources",
    )
    source_provider: str = option(
        SOURCE,
        "Storage provider of the logs, instead of SOURCE: LOCAL, S3, MINIO or any other provider of Apache Libcloud; "
        "STDIN; or CLICKHOUSE, for a table of their lines.",
        read=read_provider, metavar="PROVIDER",
    )
    source_config: Mapping[str, Any] = option(
        SOURCE,
        "Configuration of the source: a JSON object, or @FILE to read it from a file. 'container' is the bucket (for "
        "LOCAL, a folder in the folder 'key'), 'prefix' (optional) is how the names of the objects begin, "
        "'unwrap': true is for lines that Vector or Docker has wrapped in JSON, everything else is passed to the "
        "provider. ClickHouse: 'url', 'username', 'password', 'database', 'table' (default _tracking), and 'since' and "
        "'until' for the time of its rows; or 'path' for an embedded ClickHouse. ${NAME} in a value is read from the "
        "environment. Not needed for STDIN. With SOURCEs it has 'unwrap' and further settings of their buckets.",
        read=read_config, default="{}", metavar="JSON", config_of="source_provider",
    )
    to: str | None = option(
        DESTINATION,
        "Destination, instead of --destination_provider: stdout (log the statements there, store nothing), a folder, "
        "s3://BUCKET/PREFIX, clickhouse://USER@HOST:PORT/DATABASE, clickhouse (the embedded one), "
        "https://USER@HOST/xAPI (an LRS), or lrs (the LRSs of RouterConfiguration). Passwords are read from the "
        "environment.",
        metavar="DESTINATION",
    )
    destination_provider: str = option(
        DESTINATION,
        "LRS (default): the LRSs of RouterConfiguration, or the 'url' in --destination_config. LOGGER: only the "
        "statement loggers. CLICKHOUSE: a ClickHouse table. LOCAL, S3, MINIO or any other provider of Apache "
        "Libcloud: files.",
        read=read_provider, default="LRS", metavar="PROVIDER",
    )
    destination_config: Mapping[str, Any] = option(
        DESTINATION,
        "Configuration of the destination, written like --source_config. Files: 'container', 'prefix', 'compression' "
        "(gzip or zstd). LRS: 'url', and 'username' and 'password', or 'token'. ClickHouse: 'url', 'username', "
        "'password', 'database', 'table', 'cluster', 'columns'; or 'path' for an embedded ClickHouse.",
        read=read_config, default="{}", metavar="JSON", config_of="destination_provider",
    )
    lrs_urls: tuple[str, ...] = option(
        DESTINATION,
        "Send only to these of the enabled LRSs.",
        read=words, default=[], nargs="+", metavar="URL", identity=True,
    )
    format: str | None = option(
        DESTINATION,
        "Lines of files: statements (default), or rows for ClickHouse: "
        '{"event_id": ..., "emission_time": ..., "event": ...}.',
        choices=["statements", "rows"], identity=True, output_key="format", destination=FILES, setting=True,
    )
    layout: str | None = option(
        DESTINATION,
        "Names of files: plain (default), or aspects: zstd files of rows by the hour of the events, as Aspects' "
        "xapi-block-storage-backfill loads them.",
        choices=["plain", "aspects"], identity=True, output_key="layout", destination=FILES, setting=True,
    )
    create_tables: bool = option(
        DESTINATION,
        "Create the tables that are missing in ClickHouse, with the same columns as Aspects'.",
        flag=True, destination=CLICKHOUSE, setting=True,
    )
    tracking: bool = option(
        DESTINATION,
        "Also store the tracking events themselves in the table _tracking of ClickHouse. Of the filters, only --since "
        "and --until apply to them.",
        flag=True, identity=True, destination=CLICKHOUSE,
    )
    dry_run: bool = option(
        DESTINATION,
        "Read and transform everything and log every statement, but store and send nothing.",
        flag=True, identity=True,
    )
    transformer_type: str = option(
        SELECTION,
        "Kind of statements to make.",
        choices=["xapi", "caliper"], required=True, identity=True, output_key="type", also="type",
    )
    since: datetime | None = option(
        SELECTION,
        "Only events from this ISO 8601 date or time on (UTC if it has no zone).",
        read=read_moment, metavar="TIME", identity=True, output_key="filters",
    )
    until: datetime | None = option(
        SELECTION,
        "Only events before this date or time.",
        read=read_moment, metavar="TIME", identity=True, output_key="filters",
    )
    event: tuple[str, ...] = option(
        SELECTION,
        "Only events with these names; * matches anything.",
        read=words, default=[], nargs="+", metavar="NAME", identity=True, output_key="filters",
    )
    course: tuple[str, ...] = option(
        SELECTION,
        "Only events of these courses; * matches anything.",
        read=words, default=[], nargs="+", metavar="ID", identity=True, output_key="filters",
    )
    org: tuple[str, ...] = option(
        SELECTION,
        "Only events of these organisations; * matches anything.",
        read=words, default=[], nargs="+", metavar="ORG", identity=True, output_key="filters",
    )
    user: tuple[str, ...] = option(
        SELECTION,
        "Only events of these user ids or usernames.",
        read=words, default=[], nargs="+", metavar="USER", identity=True, output_key="users",
    )
    limit: int | None = option(
        SELECTION,
        "Stop after N statements. Only for runs that store nothing: --to stdout or --dry_run. With one worker.",
        type=int, read=positive, metavar="N",
    )
    only_missing: bool = option(
        SELECTION,
        "Log and deliver only statements that a ClickHouse table does not have yet. The others count as duplicate.",
        flag=True, identity=True, output_key="only_missing",
    )
    missing_from: Mapping[str, Any] | None = option(
        SELECTION,
        "ClickHouse for --only_missing, written like --destination_config (default: the destination if that is "
        "CLICKHOUSE, else the embedded ClickHouse).",
        read=read_config, metavar="JSON", config_of="destination_provider", needs="only_missing",
    )
    from_rejects: Mapping[str, frozenset[int]] | None = option(
        SELECTION,
        "Replay only the lines that are listed in this file, which --rejects has written.",
        read=read_rejects, metavar="PATH", path=True, identity=True, output_key="lines",
    )
    add_external_ids: bool = option(
        SELECTION,
        "Create an external id for users who have none (default: yes; no if LOG_REPLAY_DATABASE_URL is set). A dry run "
        "creates none.",
        read=read_yes, choices=["yes", "no"],
    )
    log_to: str = option(
        LOGGING,
        "Output of the loggers xapi_tracking and caliper_tracking: stdout, null, file:PATH, tcp://HOST:PORT, "
        "unix:PATH, or settings (the project's LOGGING). Default: settings inside the LMS (null for CLICKHOUSE, since "
        "Aspects' Vector would store the lines as well); outside it stdout for --dry_run and LOGGER, else null.",
        metavar="OUTPUT",
    )
    log_format: str = option(
        LOGGING,
        "Format of each logged line: aspects (default; the line that the LMS logs), json (an envelope with the "
        "statement and where it comes from), raw (the statement alone), or pretty (a short line for eyes; the default "
        "of the short verbs on a terminal).",
        choices=["aspects", "json", "raw", "pretty"],
    )
    examples: int | None = option(
        LOGGING,
        "Log only the statements of the first N events of each name. All events are read and counted.",
        type=int, read=positive, metavar="N",
    )
    max_line_bytes: str | None = option(
        LOGGING,
        "Count the statements whose logged line is longer than this number of bytes, or than the limit of docker, "
        "kubernetes or vector-file.",
        metavar="N|NAME",
    )
    log_timeout_secs: float = option(
        LOGGING,
        "Seconds to wait during a run for a listener of --log_to that does not answer any more, before the run stops "
        "(default 600).",
        type=float, read=between(0, LONGEST_SECONDS), default=600.0, metavar="SECONDS",
    )
    rejects: Path | None = option(
        FAILURES,
        "Write a JSON line for each line that should have given a statement and did not: object, offset, reason and "
        "event name.",
        read=writable_path, metavar="PATH", path=True, identity=True,
    )
    rejects_with_content: bool = option(
        FAILURES,
        "Write the rejected line itself to --rejects as well. It contains names of learners and what they did.",
        flag=True, identity=True, needs="rejects",
    )
    validate: bool = option(
        FAILURES,
        "Check every statement against the specification of xAPI 1.0.3 or Caliper 1.2, and count those that break a "
        "rule, by rule and event. A dry run does so unless --no-validate is given.",
        flag=True, negatable=True,
    )
    invalid: str | None = option(
        FAILURES,
        "What to do with statements that --validate finds to break a rule: keep (default), or reject their events with "
        "the reason invalid_statement.",
        read=read_invalid, choices=["keep", "reject"], identity=True, output_key="invalid",
    )
    skip_unreadable: bool = option(
        FAILURES,
        "Skip objects that cannot be read because of their kind: names that are not UTF-8, links that leave the "
        "container, and files that are not regular. Without this option the run exits with 1 if there are any.",
        flag=True,
    )
    max_rejected: Allowance | None = option(
        FAILURES,
        "Exit with 3 if more lines than this number, or more than this share of the events, were rejected.",
        read=read_allowance, metavar="N|P%",
    )
    summary: Path | None = option(
        FAILURES,
        "Write the counters as JSON when the run ends, also when it fails.",
        read=writable_path, metavar="PATH", path=True, stored=False,
    )
    verify_sample: float = option(
        FAILURES,
        "Transform this share of the events (0.01: one in a hundred) with event-routing-backends as well, and exit "
        "with 1 if any statement differs.",
        type=float, read=between(0, 1), default=0.0, metavar="SHARE",
    )
    batch_size: int = option(
        SPEED,
        "Number of events per request or file (default 10000).",
        type=int, read=positive, default=10000, metavar="N", identity=True, output_key="batch_size",
    )
    sleep_between_batches_secs: float = option(
        SPEED,
        "Seconds to wait after each batch, to spare the LMS and the LRS (default 10 for LRS, else 0; a dry run never "
        "waits).",
        type=float, read=between(0, LONGEST_SECONDS), metavar="SECONDS",
    )
    lrs_concurrency: int | None = option(
        SPEED,
        "Number of requests at the same time to each LRS (default 1).",
        type=int, read=positive, metavar="N", destination=LRS, setting=True,
    )
    max_rate: float | None = option(
        SPEED,
        "Send at most N statements a second to each LRS, on average. Independently of this limit, a run slows down "
        "when an LRS answers 429 or 503, or more and more slowly.",
        type=float, read=positive, metavar="N", destination=LRS, setting=True,
    )
    workers: int = option(
        SPEED,
        "Number of processes that make statements (default 1); auto: one for each core.",
        read=read_workers, default="1", metavar="N|auto",
    )
    unit_size: int = option(
        SPEED,
        "Cut larger uncompressed objects into units of this size, and put smaller objects together in groups of up to "
        "this size (default 256MB). A batch does not extend beyond its unit or group.",
        read=read_size, default="256MB", metavar="SIZE",
    )
    read_ahead: int = option(
        SPEED,
        "Number of objects that are opened and read while the current one is worked on (default 32); 0: none. Of local "
        "files, at most one for each worker, and none with fewer than three --workers.",
        type=int, read=between(0, 100), default=32, metavar="N",
    )
    plan: bool = option(
        SPEED,
        "Print the units of the run as JSON lines and do nothing else.",
        flag=True, stored=False,
    )
    transformers: str = option(
        SPEED,
        "native (default): make statements with this project's own code where it is certified for the installed "
        "event-routing-backends. upstream: use event-routing-backends for everything, many times slower.",
        choices=["native", "upstream"], default="native",
    )
    # fmt: on
    given: Mapping[str, Any] = field(repr=False)

    @cached_property
    def source(self) -> Place:
        """The source of the logs."""
        return Place(self.source_provider, with_absolute_key(self.source_provider, self.source_config))

    @cached_property
    def destination(self) -> Place:
        """The destination; its configuration includes the settings that are options of their own."""
        settings = {name: getattr(self, name) for name, row in OPTIONS.items() if row.setting}
        given = {name: value for name, value in settings.items() if value is not None and value is not False}
        config = with_absolute_key(self.destination_provider, self.destination_config)
        return Place(self.destination_provider, {**config, **given})

    @cached_property
    def filters(self) -> Filters:
        """The events to replay."""
        return Filters(
            since=self.since,
            until=self.until,
            events=self.event,
            courses=self.course,
            orgs=self.org,
            users=frozenset(self.user),
        )

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that are the same for runs that make the same outputs of the same source."""
        content: dict[str, Any] = {"source": [self.source.provider, self.source.naming]}
        for name, row in OPTIONS.items():
            value: Any = self.from_rejects_digest if name == "from_rejects" else getattr(self, name)
            if row.output_key == "filters":
                content.setdefault("filters", []).append(str(value))
            elif row.output_key == "users":
                content["users"] = sorted(set(value))
            elif row.output_key and value is not None and value is not False:
                content[row.output_key] = value
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def from_rejects_digest(self) -> str | None:
        """Twelve hexadecimal digits that tell one choice of lines from another."""
        if self.from_rejects is None:
            return None
        lines = sorted((name, sorted(offsets)) for name, offsets in self.from_rejects.items())
        return hashlib.sha256(json.dumps(lines).encode()).hexdigest()[:12]


#: The table: each row by the name of its option, in the order of ``--help``.
OPTIONS = options_of(Options)
