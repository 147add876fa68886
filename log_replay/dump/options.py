"""The dump's command line + settings -> one frozen, validated configuration."""

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

DATABASE = "event_sink"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What of the connection the command line overrides of the LMS's settings.
_CONNECTION = ("url", "path", "username", "password")


@dataclass(frozen=True, slots=True)
class DumpOptions:
    """One dump's configuration. Attributes are called what their options are called.

    ``connection`` says where ClickHouse is, as ``log_replay.clickhouse.connect`` takes it.
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


OBJECTS, CLICKHOUSE = "What to dump", "ClickHouse"
DUMP_OPTIONS: dict[str, Option] = {
    "object": Option(
        group=OBJECTS,
        help="What to dump: course_overviews (inside an LMS with the course_blocks of each), user_profile, "
        "external_id, course_enrollment, tag, taxonomy or object_tag.",
    ),
    "url": Option(
        group=CLICKHOUSE,
        help="ClickHouse's HTTP interface. Default: that of EVENT_SINK_CLICKHOUSE_BACKEND_CONFIG inside the LMS; "
        "outside it the embedded ClickHouse below LOG_REPLAY_HOME. ${NAME}, here and in the next three, is "
        "read from the environment.",
    ),
    "path": Option(
        group=CLICKHOUSE,
        help="The folder of an embedded ClickHouse, in place of --url.",
    ),
    "username": Option(
        group=CLICKHOUSE,
        help="Who to be there.",
    ),
    "password": Option(
        group=CLICKHOUSE,
        help="And with which password: best given as '${NAME}'.",
    ),
    "database": Option(
        group=CLICKHOUSE,
        help="The database there (default that of the LMS's settings, else event_sink).",
    ),
    "timeout_secs": Option(
        group=CLICKHOUSE,
        type=int,
        help="How long to wait for each answer (default that of the LMS's settings).",
    ),
    "create_tables": Option(
        group=CLICKHOUSE,
        flag=True,
        help="Create the tables that are missing, as Aspects has them. Implied for an embedded ClickHouse.",
    ),
    "start_pk": Option(
        group=OBJECTS,
        metavar="PK",
        help="Go on behind this primary key, as the last run reported it.",
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
        help="Dump all but these.",
    ),
    "force": Option(
        group=OBJECTS,
        flag=True,
        help="Dump courses even if they were not published since they were dumped last.",
    ),
    "limit": Option(
        group=OBJECTS,
        type=int,
        help="Dump no more than so many objects. Not with --force.",
    ),
    "batch_size": Option(
        group=SPEED,
        type=int,
        default=10000,
        help="How many objects go into one insert (default 10000).",
    ),
    "sleep_time": Option(
        group=SPEED,
        type=float,
        default=1.0,
        help="How many seconds to rest after each (default 1).",
    ),
}


def read_dump_options(given: Mapping[str, Any]) -> DumpOptions:
    """Check the parsed command line and complete it from the settings.

    Raises:
        ConfigurationError: something in it is wrong; nothing has been read or written.
    """
    if not given["object"]:
        raise ConfigurationError("--object is missing: say what to dump")
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
        # The plugin takes 0 for no key at all.
        start_pk=None if given["start_pk"] in {None, "", "0", 0} else str(given["start_pk"]),
        ids=_keys(given["ids"]),
        ids_to_skip=_keys(given["ids_to_skip"]),
        force=given["force"],
        limit=given["limit"],
        batch_size=given["batch_size"],
        sleep_time=given["sleep_time"],
    )


def _destination(given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return where ClickHouse is and the database's name there."""
    asked = {name: given[name] for name in _CONNECTION if given[name]}
    connection = read_config("the connection to ClickHouse", json.dumps(asked))
    backend = {} if "path" in connection else getattr(settings, "EVENT_SINK_CLICKHOUSE_BACKEND_CONFIG", {})
    connection = {name: backend[name] for name in _CONNECTION if backend.get(name)} | connection
    if not connection.keys() & {"url", "path"} and not getattr(settings, "LOG_REPLAY_STANDALONE", False):
        raise ConfigurationError("where is ClickHouse? give --url, or EVENT_SINK_CLICKHOUSE_BACKEND_CONFIG a url")
    timeout = given["timeout_secs"] or backend.get("timeout_secs")
    if timeout:
        connection["timeout_seconds"] = timeout
    database = given["database"] or backend.get("database") or DATABASE
    if not _IDENTIFIER.fullmatch(database):
        raise ConfigurationError(f"--database {database!r} is no name of a database")
    return connection, database


def _keys(given: list[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key.strip() for key in given or ()))
