"""The tables that Aspects has: what they are called, what is in them, and how one that is missing is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clickhouse_connect.driver.client import Client

#: Keys of a configuration that say which table is meant.
TABLE_KEYS = frozenset({"database", "table", "cluster", "columns"})
DATABASE = "openedx"
#: What a statement's row has, and of which type; Aspects' names.
STATEMENT_COLUMNS = {"event_id": "UUID", "emission_time": "DateTime64(6)", "event": "String"}
TRACKING_COLUMNS = {"time": "DateTime", "message": "String"}
TRACKING_TABLE = "_tracking"
#: So many inserts are remembered, so that a repeat after a lost answer stores nothing twice. Replicated tables
#: remember by themselves, others only where they are told to.
_REMEMBERED_INSERTS = 1000
_TIMEZONE = re.compile(r", '[^']*'\)$|\('[^']*'\)$")
_OPERATION = "look at the table"


@dataclass(frozen=True, slots=True)
class Table:
    """One table; ``columns`` maps what we call its columns to what they are called there."""

    database: str
    name: str
    columns: Mapping[str, str]
    types: Mapping[str, str]
    cluster: str | None = None

    def __str__(self) -> str:
        return f"{quoted(self.database)}.{quoted(self.name)}"

    def column(self, name: str) -> str:
        """Return a column's name as SQL spells it."""
        return quoted(self.columns[name])


def quoted(name: str) -> str:
    """Return an identifier as SQL spells it."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def statement_table(config: Mapping[str, Any], transformer_type: str) -> Table:
    """Return the table of statements that a configuration means: Aspects' unless it says otherwise.

    Raises:
        ConfigurationError: it makes no sense.
    """
    columns = config.get("columns") or {}
    if not isinstance(columns, dict) or not set(columns) <= set(STATEMENT_COLUMNS):
        raise _wrong(f"columns maps {', '.join(STATEMENT_COLUMNS)} to the names that they have there")
    names = {name: _name(columns, name, name) for name in STATEMENT_COLUMNS}
    return _table(config, f"{transformer_type}_events_all", names, STATEMENT_COLUMNS)


def tracking_table(config: Mapping[str, Any]) -> Table:
    """Return the table of raw tracking logs beside the statements'.

    Raises:
        ConfigurationError: the configuration makes no sense.
    """
    names = {name: name for name in TRACKING_COLUMNS}
    return _table({**config, "table": TRACKING_TABLE}, TRACKING_TABLE, names, TRACKING_COLUMNS)


def create_table(client: Client, table: Table) -> None:
    """Create the table, and its database, where they are missing: with Aspects' engine and order."""
    on_cluster = f" ON CLUSTER {quoted(table.cluster)}" if table.cluster else ""
    columns = ", ".join(f"{table.column(name)} {kind}" for name, kind in table.types.items())
    replicated = "Replicated" if table.cluster else ""
    if table.types is TRACKING_COLUMNS:
        engine, order = "MergeTree", table.column("time")
    else:
        engine, order = "ReplacingMergeTree", f"{table.column('emission_time')}, {table.column('event_id')}"
    remembering = "" if table.cluster else f" SETTINGS non_replicated_deduplication_window = {_REMEMBERED_INSERTS}"
    client.command(f"CREATE DATABASE IF NOT EXISTS {quoted(table.database)}{on_cluster}")
    client.command(
        f"CREATE TABLE IF NOT EXISTS {table}{on_cluster} ({columns})"
        f" ENGINE = {replicated}{engine} ORDER BY ({order}){remembering}"
    )


def check_table(client: Client, table: Table) -> None:
    """Make sure that rows can be inserted as we make them.

    Raises:
        ConfigurationError: the table, a column or its type is not there.
    """
    columns = client.query(
        "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String}",
        parameters={"database": table.database, "table": table.name},
    )
    there: dict[str, str] = dict(columns.result_rows)  # type: ignore[arg-type]  # rows of two columns
    if not there:
        raise _missing(table, "there is no such table", "create it with --create_tables, or name another")
    for name, wanted in table.types.items():
        kind = there.get(table.columns[name])
        if kind is None:
            raise _missing(
                table,
                f"it has no column {table.columns[name]}",
                f'if another column is meant, say so: "columns": {{"{name}": ...}}',
            )
        # The rows hold moments, not local times, so a column may show them in any zone.
        if _TIMEZONE.sub(lambda found: ")" if found[0][0] == "," else "", kind) != wanted:
            raise _missing(table, f"its column {table.columns[name]} is {kind}, not {wanted}", None)


def _table(config: Mapping[str, Any], name: str, columns: Mapping[str, str], types: Mapping[str, str]) -> Table:
    return Table(
        database=_name(config, "database", DATABASE),
        name=_name(config, "table", name),
        columns=columns,
        types=types,
        cluster=_name(config, "cluster", "") or None,
    )


def _name(config: Mapping[str, Any], key: str, default: str) -> str:
    value = config.get(key) or default
    if not isinstance(value, str) or "\0" in value:
        raise _wrong(f"{key} must be a name")
    return value


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError(message, operation="configure ClickHouse")


def _missing(table: Table, message: str, hint: str | None) -> ConfigurationError:
    return ConfigurationError(message, operation=_OPERATION, object=f"{table.database}.{table.name}", hint=hint)
