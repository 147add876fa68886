"""Insert rows into Aspects' database in ClickHouse, in whole batches."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.retrying_client import RetryingClient
from log_replay.dump.schema import TABLES
from log_replay.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from log_replay.dump import DumpRow
    from log_replay.retry import RetryPolicy

#: The number of keys in one query. They are part of its URL, and some proxies accept at most 8 KB.
_KEYS_PER_QUERY = 50


class EventSink:
    """Aspects' database for the data of the LMS.

    Args:
        config: the connection; see ``log_replay.clickhouse.connect``.
        database: the name of the database, an identifier.
        retry_policy: how often to retry after a temporary error.
    """

    def __init__(self, config: Mapping[str, Any], database: str, retry_policy: RetryPolicy | None = None) -> None:
        self._client = RetryingClient(config, retry_policy)
        self._database = database

    def prepare(self, table: str, columns: Sequence[str], *, create: bool) -> None:
        """Check that a table has these columns.

        Args:
            table: its name.
            columns: the columns of the rows to insert.
            create: create the database and the table first if they do not exist.

        Raises:
            ConfigurationError: the table or a column does not exist, or ClickHouse does not answer.
        """
        if create and table in TABLES:
            self._create(table)
        existing = self._columns(table)
        missing = [column for column in columns if column not in existing]
        if missing:
            reason = f"no such columns: {', '.join(missing)}" if existing else "no such table"
            can_create = not existing and table in TABLES
            hint = "create it with --create_tables" if can_create else "run the migrations of Aspects"
            place = self._client.shown(self._qualified(table))
            raise ConfigurationError(reason, operation="insert into", object=place, hint=hint)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[DumpRow]) -> None:
        """Insert all rows or none, and return once they are stored.

        Raises:
            RefusedBatch: ClickHouse refuses these rows.
            DestinationUnavailable: ClickHouse does not answer, or accepts no rows.
        """
        if not rows:
            return
        name, block = self._qualified(table), csv_block(rows)
        self._client.run(
            lambda client: client.raw_insert(name, column_names=columns, insert_block=block, fmt="CSV"),
            operation="insert into",
            table=name,
        )

    def last_dumped(self, table: str, key_column: str, keys: Sequence[str]) -> dict[str, datetime]:
        """Return the time of the last dump of each key. Keys that were never dumped are left out.

        Raises:
            DestinationUnavailable: ClickHouse does not answer.
        """
        query = (
            f"SELECT {key_column}, max(time_last_dumped) FROM {self._qualified(table)} "  # noqa: S608 - identifiers
            f"WHERE {key_column} IN {{keys:Array(String)}} GROUP BY {key_column}"
        )
        found: dict[str, datetime] = {}
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            rows = self._query(query, list(keys[start : start + _KEYS_PER_QUERY]), table)
            found |= {key: dumped for key, text in rows if (dumped := _read_time(text))}
        return found

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _create(self, table: str) -> None:
        def create(client: Client) -> None:
            client.command(f"CREATE DATABASE IF NOT EXISTS {self._database}")
            client.command(TABLES[table].ddl(self._qualified(table)))

        self._client.check(create, operation="create", table=self._qualified(table))

    def _query(self, query: str, keys: list[str], table: str) -> Sequence[Sequence[Any]]:
        return self._client.run(
            lambda client: client.query(query, parameters={"keys": keys}).result_rows,
            operation="query",
            table=self._qualified(table),
        )

    def _columns(self, table: str) -> set[str]:
        result = self._client.check(
            lambda client: client.query(
                "SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String}",
                parameters={"database": self._database, "table": table},
            ),
            operation="check",
            table=self._qualified(table),
        )
        return {name for (name,) in result.result_rows}

    def _qualified(self, table: str) -> str:
        return f"{self._database}.{table}"


def csv_block(rows: Sequence[DumpRow]) -> bytes:
    """Return rows as CSV, formatted as the plugin sends them."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows(row.values() for row in rows)
    return text.getvalue().encode()


def _read_time(text: str) -> datetime | None:
    """Return the time in a column of text, or None if the text is not a time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
