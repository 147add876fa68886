"""The options of a dump, read from the command line and the settings into one validated configuration."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from log_replay.errors import ConfigurationError
from log_replay.options.option import SPEED, Option
from log_replay.options.values import read_config

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_DATABASE = "event_sink"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: The options that override the connection in the LMS's settings.
_CONNECTION = ("url", "path", "username", "password")


@dataclass(frozen=True, slots=True)
class DumpOptions:
    """The configuration of a dump. Attributes have the names of their options.

    ``connection`` is the configuration for ``log_replay.clickhouse.connect``.
    """

    object: str
    connection: Mapping[str, Any]
    database: str
    create_tables: bool
    start_pk: str | None
    ids: tuple[str, ...]
    ids_to_skip: tuple[str, ...]
    force: bool
    limit: int | None
    batch_size: int
    sleep_time: float


OBJECTS, CLICKHOUSE = "Objects to dump", "ClickHouse"
DUMP_OPTIONS: dict[str, Option] = {
    "object": Option(
        group=OBJECTS,
        help="Type of the objects to dump: course_overviews (with course_blocks inside an LMS), user_profile, "
        "external_id, course_enrollment, tag, taxonomy or object_tag.",
    ),
    "url": Option(
        group=CLICKHOUSE,
        help="URL of ClickHouse's HTTP interface. Default inside the LMS: the url in "
        "EVENT_SINK_CLICKHOUSE_BACKEND_CONFIG; outside it: the embedded ClickHouse in LOG_REPLAY_HOME. In this option "
        "and the next three, ${NAME} is read from the environment.",
    ),
    "path": Option(
        group=CLICKHOUSE,
        help="Folder of an embedded ClickHouse, instead of --url.",
    ),
    "username": Option(
        group=CLICKHOUSE,
        help="User name for ClickHouse.",
    ),
    "password": Option(
        group=CLICKHOUSE,
        help="Password for ClickHouse. '${NAME}' keeps it off the command line.",
    ),
    "database": Option(
        group=CLICKHOUSE,
        help="Name of the database (default: the one in the LMS's settings, else event_sink).",
    ),
    "timeout_secs": Option(
        group=CLICKHOUSE,
        type=int,
        help="Timeout for each response, in seconds (default: the one in the LMS's settings).",
    ),
    "create_tables": Option(
        group=CLICKHOUSE,
        flag=True,
        help="Create missing tables, with the schema of Aspects. Always on for an embedded ClickHouse.",
    ),
    "start_pk": Option(
        group=OBJECTS,
        metavar="PK",
        help="Dump only objects with a primary key greater than this. A stopped dump prints the value for the next.",
    ),
    "ids": Option(
        group=OBJECTS,
        nargs="*",
        default=[],
        metavar="KEY",
        help="Dump only the objects with these primary keys.",
    ),
    "ids_to_skip": Option(
        group=OBJECTS,
        nargs="*",
        default=[],
        metavar="KEY",
        help="Do not dump the objects with these primary keys.",
    ),
    "force": Option(
        group=OBJECTS,
        flag=True,
        help="Dump courses even if they were not published since their last dump.",
    ),
    "limit": Option(
        group=OBJECTS,
        type=int,
        help="Maximum number of objects to dump. Not allowed with --force.",
    ),
    "batch_size": Option(
        group=SPEED,
        type=int,
        default=10000,
        help="Number of objects in one insert (default 10000).",
    ),
    "sleep_time": Option(
        group=SPEED,
        type=float,
        default=1.0,
        help="Seconds to sleep after each insert (default 1).",
    ),
}


def read_dump_options(given: Mapping[str, Any]) -> DumpOptions:
    """Return the checked options, completed from the settings.

    Raises:
        ConfigurationError: an option is wrong; nothing has been read or written.
    """
    if not given["object"]:
        raise ConfigurationError("--object is required")
    if given["limit"] is not None and given["limit"] < 1:
        raise ConfigurationError(f"--limit {given['limit']} must be greater than 0")
    if given["limit"] and given["force"]:
        raise ConfigurationError("--limit cannot be used with --force: each run would dump the same objects")
    if given["batch_size"] < 1:
        raise ConfigurationError(f"--batch_size {given['batch_size']} must be greater than 0")
    if not 0 <= given["sleep_time"] < float("inf"):
        raise ConfigurationError(f"--sleep_time {given['sleep_time']} is out of range")
    connection, database = _destination(given)
    return DumpOptions(
        object=given["object"],
        connection=connection,
        database=database,
        create_tables=given["create_tables"] or connection.get("url") is None,
        # The plugin treats 0 as no key.
        start_pk=None if given["start_pk"] in {None, "", "0", 0} else str(given["start_pk"]),
        ids=_keys(given["ids"]),
        ids_to_skip=_keys(given["ids_to_skip"]),
        force=given["force"],
        limit=given["limit"],
        batch_size=given["batch_size"],
        sleep_time=given["sleep_time"],
    )


def _destination(given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the connection to ClickHouse and the name of the database."""
    given_connection = {name: given[name] for name in _CONNECTION if given[name]}
    connection = read_config("the connection to ClickHouse", json.dumps(given_connection))
    backend = {} if "path" in connection else getattr(settings, "EVENT_SINK_CLICKHOUSE_BACKEND_CONFIG", {})
    connection = {name: backend[name] for name in _CONNECTION if backend.get(name)} | connection
    if not connection.keys() & {"url", "path"} and not getattr(settings, "LOG_REPLAY_STANDALONE", False):
        raise ConfigurationError(
            "no ClickHouse is configured", hint="give --url, or set url in EVENT_SINK_CLICKHOUSE_BACKEND_CONFIG"
        )
    timeout = given["timeout_secs"] or backend.get("timeout_secs")
    if timeout:
        connection["timeout_seconds"] = timeout
    database = given["database"] or backend.get("database") or DEFAULT_DATABASE
    if not _IDENTIFIER.fullmatch(database):
        raise ConfigurationError(f"--database {database!r} is not a valid name of a database")
    return connection, database


def _keys(given: list[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key.strip() for key in given or ()))
