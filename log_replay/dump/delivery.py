"""Rows -> Aspects' database in ClickHouse, in whole batches."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from log_replay.clickhouse import connect
from log_replay.clickhouse.connection import shown_place
from log_replay.dump.schema import TABLES
from log_replay.errors import ConfigurationError, DestinationUnavailable, RefusedBatch
from log_replay.retry import RetryPolicy, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from log_replay.dump import Row

T = TypeVar("T")

#: Keys that one query asks for: they travel in its URL, which proxies cut at 8 KB.
_KEYS = 50


class EventSink:
    """The database that rows go to.

    Args:
        config: where ClickHouse is, as ``log_replay.clickhouse.connect`` takes it.
        database: its name, an identifier.
        retry_policy: how often to try again what may pass.

    Raises:
        ConfigurationError: nobody answers there.
    """

    def __init__(self, config: Mapping[str, Any], database: str, retry_policy: RetryPolicy | None = None) -> None:
        self._client = connect(config)
        self._place = shown_place(config)
        self._database = database
        self._retry_policy = retry_policy or RetryPolicy()

    def prepare(self, table: str, columns: Sequence[str], *, create: bool) -> None:
        """Find out whether a table takes rows of these columns; create it first if it may be missing.

        Raises:
            ConfigurationError: it is missing, or has not all the columns.
        """
        if create and table in TABLES:
            self._ask(lambda: self._client.command(f"CREATE DATABASE IF NOT EXISTS {self._database}"), table)
            self._ask(lambda: self._client.command(TABLES[table].ddl(self._qualified(table))), table)
        present = self._columns(table)
        missing = [column for column in columns if column not in present]
        if missing:
            what = f"there are no columns {', '.join(missing)}" if present else "there is no such table"
            hint = "create it with --create_tables" if not present and table in TABLES else "migrate Aspects' database"
            raise ConfigurationError(what, operation="insert into", object=self._shown(table), hint=hint)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows, all or none, and return once they are safe.

        Raises:
            RefusedBatch: ClickHouse does not take these rows.
            DestinationUnavailable: it takes nothing any more.
        """
        if not rows:
            return
        block = csv_block(rows)
        self._ask(
            lambda: self._client.raw_insert(
                self._qualified(table), column_names=columns, insert_block=block, fmt="CSV"
            ),
            table,
        )

    def last_dumped(self, table: str, key_column: str, keys: Sequence[str]) -> dict[str, datetime]:
        """Return when each of these keys was dumped last, if it was.

        Raises:
            DestinationUnavailable: ClickHouse does not answer.
        """
        query = (
            f"SELECT {key_column}, max(time_last_dumped) FROM {self._qualified(table)} "  # noqa: S608 - identifiers
            f"WHERE {key_column} IN {{keys:Array(String)}} GROUP BY {key_column}"
        )
        found: dict[str, datetime] = {}
        for start in range(0, len(keys), _KEYS):
            rows = self._query(query, {"keys": list(keys[start : start + _KEYS])}, table)
            found |= {key: dumped for key, text in rows if (dumped := _time(text))}
        return found

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _columns(self, table: str) -> set[str]:
        query = "SELECT name FROM system.columns WHERE database = {database:String} AND table = {table:String}"
        return {name for (name,) in self._query(query, {"database": self._database, "table": table}, table)}

    def _query(self, query: str, parameters: dict[str, Any], table: str) -> Sequence[Sequence[Any]]:
        return self._ask(lambda: self._client.query(query, parameters=parameters), table).result_rows

    def _qualified(self, table: str) -> str:
        return f"{self._database}.{table}"

    def _shown(self, table: str) -> str:
        return f"{self._qualified(table)} at {self._place}"

    def _ask(self, question: Callable[[], T], table: str) -> T:
        """Ask ClickHouse, again if that may help, and translate what goes wrong."""
        from log_replay.clickhouse.errors import FOREIGN, Kind, hint, kind, reason  # noqa: PLC0415 - needs the driver

        def attempt() -> T:
            try:
                return question()
            except FOREIGN as error:
                if kind(error) is Kind.PASSING:
                    raise TemporaryError(reason(error)) from error
                failure = RefusedBatch if kind(error) is Kind.REFUSED else DestinationUnavailable
                # From None: the driver's message can quote the rows.
                raise failure(reason(error), operation="use", object=self._shown(table), hint=hint(error)) from None

        try:
            return self._retry_policy.call(attempt)
        except TemporaryError as error:
            raise DestinationUnavailable(str(error), operation="use", object=self._shown(table)) from None


def csv_block(rows: Sequence[Row]) -> bytes:
    """Spell rows as the plugin posts them."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows(row.values() for row in rows)
    return text.getvalue().encode()


def _time(text: str) -> datetime | None:
    """Read a time as dumps spell it; the column takes any text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
