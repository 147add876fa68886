"""The tables of Aspects: names and columns; create a missing table, and check an existing one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.clients import CONNECTION_KEYS
from log_replay.errors import ConfigurationError
from log_replay.spelling import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clickhouse_connect.driver.client import Client

    from log_replay.clickhouse.retrying_client import RetryingClient

#: The keys of a configuration that select the table.
TABLE_KEYS = frozenset({"database", "table", "cluster", "columns"})
DATABASE = "openedx"
#: The columns of a table of statements, as Aspects names them, with their types.
STATEMENT_COLUMNS = {"event_id": "UUID", "emission_time": "DateTime64(6)", "event": "String"}
TRACKING_COLUMNS = {"time": "DateTime", "message": "String"}
TRACKING_TABLE = "_tracking"
#: The number of inserts that a table remembers, so that a retry after a lost response stores no row twice. Replicated
#: tables do this by default; other tables need this setting.
_DEDUPLICATION_WINDOW = 1000
_TIMEZONE = re.compile(r", '[^']*'\)$|\('[^']*'\)$")
_OPERATION = "check"
_MISSING_HINT = "create it with --create_tables, or name another table"


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``columns`` maps Aspects' column names to the table's own."""

    database: str
    name: str
    columns: Mapping[str, str]
    types: Mapping[str, str]
    cluster: str | None = None

    def __str__(self) -> str:
        return f"{quoted(self.database)}.{quoted(self.name)}"

    @property
    def shown_name(self) -> str:
        """The table's name for messages, without quotes."""
        return f"{self.database}.{self.name}"

    def column(self, name: str) -> str:
        """Return the quoted name of a column."""
        return quoted(self.columns[name])


def quoted(name: str) -> str:
    """Return an identifier quoted for SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def check_keys(config: Mapping[str, Any], name: str) -> None:
    """Check that a configuration of a connection and a table has only known keys.

    Args:
        config: the configuration.
        name: what messages call it.

    Raises:
        ConfigurationError: a key is unknown.
    """
    known = CONNECTION_KEYS | TABLE_KEYS
    unknown = sorted(set(config) - known - {"create_tables"})
    if unknown:
        raise ConfigurationError(
            f"{name} has unknown keys: {', '.join(unknown)}",
            hint=did_you_mean(unknown[0], known) or f"known keys: {', '.join(sorted(known))}",
        )


def statement_table(config: Mapping[str, Any], transformer_type: str) -> Table:
    """Return the table of statements that a configuration names, by default Aspects' own.

    Raises:
        ConfigurationError: a name or ``columns`` is invalid.
    """
    columns = config.get("columns", {})
    if not isinstance(columns, dict) or not set(columns) <= set(STATEMENT_COLUMNS):
        raise _invalid(f"columns must map {', '.join(STATEMENT_COLUMNS)} to column names of the table")
    names = {name: _name(columns, name, name) for name in STATEMENT_COLUMNS}
    return _table(config, f"{transformer_type}_events_all", names, STATEMENT_COLUMNS)


def tracking_table(config: Mapping[str, Any]) -> Table:
    """Return the table for the events of the logs themselves, in the same database as the statements.

    Raises:
        ConfigurationError: the name of the database is invalid.
    """
    return log_table({**config, "table": TRACKING_TABLE})


def log_table(config: Mapping[str, Any]) -> Table:
    """Return the table with the lines of tracking logs that a configuration names, by default Aspects' own.

    Raises:
        ConfigurationError: a name is invalid.
    """
    names = {name: name for name in TRACKING_COLUMNS}
    return _table(config, TRACKING_TABLE, names, TRACKING_COLUMNS)


def create_table(client: Client, table: Table) -> None:
    """Create the database and the table if they do not exist, with Aspects' engine and sorting key."""
    on_cluster = f" ON CLUSTER {quoted(table.cluster)}" if table.cluster else ""
    columns = ", ".join(f"{table.column(name)} {kind}" for name, kind in table.types.items())
    replicated = "Replicated" if table.cluster else ""
    if table.types is TRACKING_COLUMNS:
        engine, order = "MergeTree", table.column("time")
    else:
        engine, order = "ReplacingMergeTree", f"{table.column('emission_time')}, {table.column('event_id')}"
    deduplication = "" if table.cluster else f" SETTINGS non_replicated_deduplication_window = {_DEDUPLICATION_WINDOW}"
    client.command(f"CREATE DATABASE IF NOT EXISTS {quoted(table.database)}{on_cluster}")
    client.command(
        f"CREATE TABLE IF NOT EXISTS {table}{on_cluster} ({columns})"
        f" ENGINE = {replicated}{engine} ORDER BY ({order}){deduplication}"
    )


def prepare_table(
    client: RetryingClient, table: Table, *, create: bool = False, missing_hint: str = _MISSING_HINT
) -> None:
    """Create the table if requested, and check it.

    Args:
        client: the connection.
        table: the table.
        create: create the table if it does not exist.
        missing_hint: what the operator can do if there is no such table.

    Raises:
        ConfigurationError: the table cannot be created, or cannot store our rows.
    """
    if create:
        client.check(lambda driver: create_table(driver, table), operation="create", table=table.shown_name)
    client.check(lambda driver: _check_table(driver, table, missing_hint), operation="check", table=table.shown_name)


def _check_table(client: Client, table: Table, missing_hint: str) -> None:
    """Check that the table has the columns, with the types, that our rows need.

    Raises:
        ConfigurationError: the table or a column does not exist, or a column has another type.
    """
    columns = client.query(
        "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String}",
        parameters={"database": table.database, "table": table.name},
    )
    found: dict[str, str] = dict(columns.result_rows)  # type: ignore[arg-type]  # rows of two columns
    if not found:
        raise _unusable(table, "no such table", missing_hint)
    for name, wanted in table.types.items():
        kind = found.get(table.columns[name])
        if kind is None:
            renamed = f'if the column has another name, set "columns": {{"{name}": ...}}'
            hint = renamed if table.types is STATEMENT_COLUMNS else None
            raise _unusable(table, f"it has no column {table.columns[name]}", hint)
        # The rows contain moments, not local times, so the column may have any time zone.
        if _TIMEZONE.sub(lambda zone: ")" if zone[0][0] == "," else "", kind) != wanted:
            raise _unusable(table, f"its column {table.columns[name]} is {kind}, not {wanted}", None)


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
        raise _invalid(f"{key} must be a name")
    return value


def _invalid(message: str) -> ConfigurationError:
    return ConfigurationError(message, operation="configure ClickHouse")


def _unusable(table: Table, message: str, hint: str | None) -> ConfigurationError:
    return ConfigurationError(message, operation=_OPERATION, object=table.shown_name, hint=hint)
