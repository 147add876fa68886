"""The options of the command line: what they are called, what they take, and what --help says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

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


def add_arguments(parser: argparse.ArgumentParser, options: Mapping[str, Mapping[str, Any]] = ARGUMENTS) -> None:
    """Add options, spelled with underscores as upstream spells them and with dashes.

    Args:
        parser: the command's.
        options: their arguments by their names, as ``ARGUMENTS`` has those of a replay.
    """
    for name, arguments in options.items():
        parser.add_argument(*dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}")), **arguments)
