"""Statements as rows of a ClickHouse table: Aspects' own, or the embedded engine's."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.connection import CONNECTION_KEYS, connect, shown_place
from log_replay.clickhouse.rows import UnstorableStatement, statement_row
from log_replay.clickhouse.tables import TABLE_KEYS, check_table, create_table, statement_table
from log_replay.errors import ConfigurationError
from log_replay.records import ALL_ROUTES, Delivery
from log_replay.sinks.clickhouse_insert import Insert, RefusedRows
from log_replay.sinks.retries import Patience

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from log_replay.clickhouse.tables import Table
    from log_replay.records import EventFields, TransformedEvent

_OWN_KEYS = frozenset({"create_tables"})
#: Where more rows than this of one batch are refused, the fault is hardly theirs: no more of it are taken apart.
_MOST_INSERTS = 200


class ClickHouseSink:
    """Inserts each batch at once, and takes one that is refused apart until only the rows at fault are left.

    Args:
        config: how to connect.
        table: where the rows go.
        key: twelve hexadecimal digits, the digest of what determines the run's output.
        create_tables: whether to create a table that is missing.
        patience: how often to try again.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        table: Table,
        *,
        key: str,
        create_tables: bool = False,
        patience: Patience | None = None,
    ) -> None:
        self._config = config
        self._table = table
        self._key = key
        self._create_tables = create_tables
        self._patience = patience or Patience()
        self._client: Client | None = None
        self._insert: Insert | None = None

    def check(self) -> None:
        """Connect, create the table if that was asked for, look at its columns and insert no row at all."""
        self._client = self._client or connect(self._config)
        place = f"{self._table.database}.{self._table.name} at {shown_place(self._config)}"
        self._insert = Insert(self._client, self._table, place=place, patience=self._patience)
        with configuring(place):
            if self._create_tables:
                create_table(self._client, self._table)
            check_table(self._client, self._table)
        self._insert.check()

    def routes(self, fields: EventFields) -> int:  # noqa: ARG002 - the table holds every statement
        """Want everything."""
        return ALL_ROUTES

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Insert the batch's rows."""
        rows: list[bytes] = []
        numbers: list[int] = []
        reasons: list[str] = []
        statements = [statement for event in batch for statement in event.statements]
        for number, statement in enumerate(statements):
            try:
                rows.append(statement_row(statement))
                numbers.append(number)
            except UnstorableStatement as error:
                reasons.append(str(error))
        ...
