"""Command line + settings -> one frozen, validated configuration."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from log_replay.errors import ConfigurationError
from log_replay.filters import Filters, read_time
from log_replay.ledger.configuration import stored_command
from log_replay.report.files import read_rejects
from log_replay.values import read_allowance, read_config, read_size, writable_path
from log_replay.workers import count

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from log_replay.values import Allowance

LMS_SECONDS_BETWEEN_LRS_BATCHES = 10.0


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
    """One run's configuration. Attributes are called what their options are called."""

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
    command: Mapping[str, Any]

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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add every option, spelled with underscores as upstream spells them and with dashes."""
    for name, arguments in ARGUMENTS.items():
        parser.add_argument(*dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}")), **arguments)


ARGUMENTS: dict[str, dict[str, Any]] = {
    "source_provider": {
        "required": True,
        "help": "Where the logs lie: LOCAL, S3, MINIO or any other storage provider of Apache Libcloud, in capitals; "
        "or STDIN.",
    },
    "source_config": {
        "default": "{}",
        "help": "A JSON object (or @FILE with one) of arguments for the provider, and: 'container', the bucket, or the "
        "folder in LOCAL's 'key'; 'prefix' (optional), how the names begin. ${NAME} is read from the environment. "
        "Not needed for STDIN.",
    },
    "destination_provider": {
        "default": "LRS",
        "help": "LRS (default): what RouterConfiguration routes to, or the 'url' of --destination_config. LOGGER: the "
        "statement loggers only. CLICKHOUSE: a table there, or of the embedded engine. LOCAL, S3, MINIO ...: files.",
    },
    "destination_config": {
        "default": "{}",
        "help": "Likewise for the destination. Files: 'container', 'prefix' (optional), 'compression' (gzip or zstd). "
        "LRS without RouterConfiguration: 'url', and 'username' and 'password', or 'token'. ClickHouse: 'url', "
        "'username', 'password', 'database', 'table', 'cluster', 'columns'; or 'path', of an embedded database.",
    },
    "format": {
        "choices": ["statements", "rows"],
        "help": "What the lines of files are: statements (the default), or rows for ClickHouse: "
        '{"event_id", "emission_time", "event"}.',
    },
    "layout": {
        "choices": ["plain", "aspects"],
        "help": "Where files go below the prefix: plain, all together (the default); or aspects, rows in zstd files by "
        "the hour of the events, as Aspects' xapi-block-storage-backfill loads them.",
    },
    "only_missing": {
        "action": "store_true",
        "help": "Log and deliver only what ClickHouse does not have yet; the rest counts as duplicate.",
    },
    "missing_from": {
        "metavar": "JSON",
        "help": "The ClickHouse that --only_missing asks, described as a destination. Default: the destination, if it "
        "is CLICKHOUSE; else the embedded one.",
    },
    "tracking": {
        "action": "store_true",
        "help": "With CLICKHOUSE: store the logs' own events in the table _tracking, too, filtered by time only.",
    },
    "create_tables": {
        "action": "store_true",
        "help": "Create the tables that are missing in ClickHouse, as Aspects has them.",
    },
    "transformer_type": {
        "required": True,
        "choices": ["xapi", "caliper"],
        "help": "What to make of the events.",
    },
    "batch_size": {
        "type": int,
        "default": 10000,
        "help": "How many events' statements go into one request or one file (default 10000).",
    },
    "sleep_between_batches_secs": {
        "type": float,
        "help": "How long to rest after each batch, to spare the LMS and the LRS (default 10 for LRS, else 0; never "
        "with --dry_run).",
    },
    "dry_run": {
        "action": "store_true",
        "help": "Find, read, transform and log everything; store and send nothing.",
    },
    "lrs_urls": {
        "nargs": "+",
        "default": [],
        "metavar": "URL",
        "help": "Only these of the enabled routes.",
    },
    "lrs_concurrency": {
        "type": int,
        "metavar": "N",
        "help": "Send each batch to each route in N requests at the same time (default 1).",
    },
    "max_rate": {
        "type": float,
        "metavar": "N",
        "help": "Send no more than N statements a second to each route, on average. Whatever it is, sending slows down "
        "while an LRS asks for it (429, 503) or takes ever longer to answer.",
    },
    "log_to": {
        "help": "Where the loggers xapi_tracking and caliper_tracking write: stdout, null, file:PATH, tcp://HOST:PORT, "
        "unix:PATH, or settings (the project's LOGGING). Default: settings inside the LMS; outside it stdout for "
        "--dry_run and LOGGER, else null.",
    },
    "log_format": {
        "choices": ["aspects", "json", "raw"],
        "help": "What they write: the LMS's own line (aspects, the default), an envelope that tells where each "
        "statement comes from (json), or the statement alone (raw).",
    },
    "max_line_bytes": {
        "metavar": "N|NAME",
        "help": "Count statements whose logged line is longer than the transport takes: a number of bytes, or docker, "
        "kubernetes or vector-file.",
    },
    "since": {"metavar": "TIME", "help": "Only events from this ISO 8601 date or time on (UTC unless it has a zone)."},
    "until": {"metavar": "TIME", "help": "Only events before this date or time."},
    "event": {"nargs": "+", "default": [], "metavar": "NAME", "help": "Only events of these names; * is allowed."},
    "course": {"nargs": "+", "default": [], "metavar": "ID", "help": "Only events of these courses; * is allowed."},
    "org": {"nargs": "+", "default": [], "metavar": "ORG", "help": "Only events of these organisations; * is allowed."},
    "user": {"nargs": "+", "default": [], "metavar": "USER", "help": "Only events of these user ids or usernames."},
    "rejects": {
        "metavar": "PATH",
        "help": "Write the object, offset, reason and event name of each line that gave no statement but should have, "
        "as JSON lines.",
    },
    "rejects_with_content": {
        "action": "store_true",
        "help": "Write each such line itself to --rejects, too: what learners did, by name.",
    },
    "from_rejects": {
        "metavar": "PATH",
        "help": "Replay exactly the lines that a file of --rejects lists, from their source.",
    },
    "run": {
        "metavar": "NAME",
        "help": "Keep the run in the ledger under this name, or resume it where it was interrupted. Runs into files, "
        "LRSs and tables are kept in any case, under a name of their own; replay_runs lists them.",
    },
    "unit_size": {
        "default": "256MB",
        "metavar": "SIZE",
        "help": "Cut larger objects into units of this size, unless they are compressed (default 256MB).",
    },
    "plan": {
        "action": "store_true",
        "help": "Print the units of the run as JSON lines, and do nothing else.",
    },
    "grace_secs": {
        "type": float,
        "default": 20.0,
        "metavar": "SECONDS",
        "help": "How long the batch in flight may take after SIGTERM or SIGINT (default 20); a second signal ends the "
        "run at once.",
    },
    "summary": {"metavar": "PATH", "help": "Write the counters as JSON when the run ends, however it ends."},
    "max_rejected": {
        "metavar": "N|P%",
        "help": "Exit with 3 if more lines than this, or more than this share of the events, were rejected.",
    },
    "workers": {
        "default": "1",
        "metavar": "N|auto",
        "help": "How many processes make statements (default 1; auto: one for each core).",
    },
    "transformers": {
        "choices": ["native", "upstream"],
        "default": "native",
        "help": "native (default): this project's own, for events whose upstream code is the code they were certified "
        "against. upstream: event-routing-backends' own for everything, many times slower.",
    },
    "verify_sample": {
        "type": float,
        "default": 0.0,
        "metavar": "SHARE",
        "help": "Make this share of the events (0.01: one in a hundred) through upstream as well, and exit with 1 if "
        "any statement differs.",
    },
    "add_external_ids": {
        "choices": ["yes", "no"],
        "help": "Whether users without an external id get one. Default: yes, but no for a LOG_REPLAY_DATABASE_URL.",
    },
}


def read_options(given: Mapping[str, Any]) -> Options:
    """Check the parsed command line and complete it from the settings.

    Raises:
        ConfigurationError: something in it is wrong; nothing has been read or written.
    """
    source = _place("source", given)
    destination = _destination(given)
    dry_run = bool(given["dry_run"])
    standalone = getattr(settings, "LOG_REPLAY_STANDALONE", False)
    shown = dry_run or destination.provider == "LOGGER"
    pause = given["sleep_between_batches_secs"]
    if pause is None:
        pause = LMS_SECONDS_BETWEEN_LRS_BATCHES if destination.provider == "LRS" else 0.0
    _check("--batch_size", given["batch_size"], given["batch_size"] > 0)
    _check("--sleep_between_batches_secs", pause, pause >= 0)
    log_to = given["log_to"] or _default_log_to(given["transformer_type"], standalone=standalone, shown=shown)
    if log_to == "settings" and given["log_format"]:
        raise ConfigurationError(
            "--log_format has no effect where the settings' own handlers write", hint="add --log_to"
        )
    _check("--grace_secs", given["grace_secs"], given["grace_secs"] >= 0)
    if given["rejects_with_content"] and not given["rejects"]:
        raise ConfigurationError("--rejects_with_content has no effect without --rejects")
    _check("--verify_sample", given["verify_sample"], 0 <= given["verify_sample"] <= 1)
    if given["tracking"] and destination.provider != "CLICKHOUSE":
        raise ConfigurationError("--tracking needs --destination_provider CLICKHOUSE")
    add = given["add_external_ids"]
    may_add = add == "yes" if add else not (standalone and "lms" in settings.DATABASES)
    return Options(
        source=source,
        destination=destination,
        transformer_type=given["transformer_type"],
        batch_size=given["batch_size"],
        sleep_between_batches_secs=pause,
        dry_run=dry_run,
        lrs_urls=tuple(given["lrs_urls"] or ()),
        log_to=log_to,
        log_format=given["log_format"] or "aspects",
        max_line_bytes=given["max_line_bytes"],
        filters=_filters(given),
        rejects=writable_path("--rejects", given["rejects"]),
        summary=writable_path("--summary", given["summary"]),
        max_rejected=read_allowance("--max_rejected", given["max_rejected"]),
        add_external_ids=may_add and not dry_run,
        transformers=given["transformers"],
        verify_sample=given["verify_sample"],
        workers=_workers(given["workers"]),
        run=given["run"],
        plan=given["plan"],
        unit_size_bytes=read_size("--unit_size", given["unit_size"]),
        from_rejects=read_rejects("--from_rejects", given["from_rejects"]),
        rejects_with_content=given["rejects_with_content"],
        grace_secs=given["grace_secs"],
        missing_from=_missing_from(given, destination),
        tracking=bool(given["tracking"]),
        command=stored_command(given, {name: arguments.get("default") for name, arguments in ARGUMENTS.items()}),
    )


def _workers(text: str) -> int:
    try:
        return count(text)
    except ValueError:
        raise ConfigurationError(f"--workers {text!r} is neither a number from 1 on nor auto") from None


def _place(side: str, given: Mapping[str, Any]) -> Place:
    provider = given[f"{side}_provider"]
    return Place(provider.upper(), read_config(f"--{side}_config", given[f"{side}_config"] or "{}"))


def _destination(given: Mapping[str, Any]) -> Place:
    """Return the destination with those of its settings that are options of their own."""
    place = _place("destination", given)
    own = {name: given[name] for name in ("create_tables", "format", "layout") if given.get(name)}
    for name in own:
        if (place.provider == "CLICKHOUSE") != (name == "create_tables") or place.provider in {"LRS", "LOGGER"}:
            raise ConfigurationError(f"--{name} means nothing to {place.provider}")
    return Place(place.provider, {**place.config, **own})


def _missing_from(given: Mapping[str, Any], destination: Place) -> Mapping[str, Any] | None:
    if not given["only_missing"]:
        if given["missing_from"]:
            raise ConfigurationError("--missing_from has no effect without --only_missing")
        return None
    if given["missing_from"]:
        return read_config("--missing_from", given["missing_from"])
    return destination.config if destination.provider == "CLICKHOUSE" else {}


def _default_log_to(transformer_type: str, *, standalone: bool, shown: bool) -> str:
    if standalone:
        return "stdout" if shown else "null"
    # ERB's own switch for sites that find the log too loud; where the log is all that is asked for, it is not meant.
    logging_enabled = getattr(settings, f"{transformer_type.upper()}_EVENT_LOGGING_ENABLED", True)
    return "settings" if logging_enabled or shown else "null"


def _filters(given: Mapping[str, Any]) -> Filters:
    since, until = (_time(f"--{name}", given[name]) for name in ("since", "until"))
    if since and until and since >= until:
        raise ConfigurationError(f"--since {given['since']} is not before --until {given['until']}")
    return Filters(
        since=since,
        until=until,
        events=_words(given["event"]),
        courses=_words(given["course"]),
        orgs=_words(given["org"]),
        users=frozenset(_words(given["user"])),
    )


def _words(values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(values or ())


def _time(option: str, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return read_time(value)
    except ValueError:
        raise ConfigurationError(
            f"{option} {value!r} is no date or time", hint="for example 2026-03-01 or 2026-03-01T08:00:00+01:00"
        ) from None


def _check(option: str, value: float, right: bool) -> None:  # noqa: FBT001 - the condition itself
    if not right:
        raise ConfigurationError(f"{option} {value} is out of range")
