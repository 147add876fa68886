"""Statements as rows of a ClickHouse table: Aspects' own, or one in the embedded engine."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.connection import CONNECTION_KEYS, connect, shown_place
from log_replay.clickhouse.errors import configuring
from log_replay.clickhouse.rows import UnstorableStatement, statement_row
from log_replay.clickhouse.tables import TABLE_KEYS, check_table, create_table, statement_table
from log_replay.errors import ConfigurationError, RefusedBatch
from log_replay.records import ALL_ROUTES, Delivery, Refusal
from log_replay.retry import RetryPolicy
from log_replay.sinks.clickhouse.insert import Inserter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from log_replay.clickhouse.rows import Row
    from log_replay.clickhouse.tables import Table
    from log_replay.records import EventFields, Statement, TransformedEvent

_OPERATION = "open the destination"


class ClickHouseSink:
    """Inserts each batch at once, and takes one that is refused apart until only the rows at fault are left.

    Args:
        config: how to connect.
        table: where the rows go.
        key: twelve hexadecimal digits, the digest of what determines the run's output.
        create: whether to create the table if it is missing.
        retry_policy: how often to try again.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        table: Table,
        *,
        key: str,
        create: bool = False,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._config = config
        self._table = table
        self._key = key
        self._create = create
        self._retry_policy = retry_policy or RetryPolicy()
        self._place = f"{table.database}.{table.name} at {shown_place(config)}"
        self._client: Client | None = None
        self._inserter: Inserter

    def check(self) -> None:
        """Connect, create the table if that was asked for, look at its columns and insert no row at all."""
        client, inserter = self._open()
        with configuring(self._place):
            if self._create:
                create_table(client, self._table)
            check_table(client, self._table)
        inserter.check()

    def routes(self, fields: EventFields) -> int:  # noqa: ARG002 - the table holds every statement
        """Want everything."""
        return ALL_ROUTES

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Do nothing: rows have ids, so that what is inserted again replaces itself."""

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Insert the rows of a batch."""
        _, inserter = self._open()
        statements = [(event, statement) for event in batch for statement in event.statements]
        rows, failed = _rows([statement for _, statement in statements])
        refused = inserter.insert(list(rows.values()), self._token(batch)) if rows else {}
        numbers = list(rows) if refused else []
        failed |= {numbers[row]: why for row, why in refused.items()}
        return self._delivery(statements, failed) if failed else Delivery(delivered=len(statements))

    def close(self, *, complete: bool) -> None:  # noqa: ARG002 - what was acknowledged is stored
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _open(self) -> tuple[Client, Inserter]:
        if self._client is None:
            self._client = connect(self._config)
            self._inserter = Inserter(self._client, self._table, place=self._place, retry_policy=self._retry_policy)
        return self._client, self._inserter

    def _token(self, batch: Sequence[TransformedEvent]) -> str:
        return f"{self._key} {batch[0].position} {batch[-1].position}"

    def _delivery(
        self, statements: Sequence[tuple[TransformedEvent, Statement]], failed: Mapping[int, str]
    ) -> Delivery:
        why = "; ".join(sorted(set(failed.values())))
        return Delivery(
            delivered=len(statements) - len(failed),
            failed=len(failed),
            failures=(str(RefusedBatch(why, operation="insert into", object=self._place)),),
            outcomes=["failed" if number in failed else "delivered" for number in range(len(statements))],
            refusals=[self._refusal(*statements[number], failed[number]) for number in sorted(failed)],
        )

    def _refusal(self, event: TransformedEvent, statement: Statement, reason: str) -> Refusal:
        return Refusal(event.position, event.name, statement.id, reason, self._place, text=statement.text)


def open_clickhouse(
    _provider: str, config: Mapping[str, Any], *, transformer_type: str, key: str, lrs_urls: Sequence[str] | None = None
) -> ClickHouseSink:
    """Open the sink of ``CLICKHOUSE``: the server at ``url``, or the embedded engine at ``path``.

    Raises:
        ConfigurationError: a configuration that cannot be right.
    """
    if lrs_urls:
        raise ConfigurationError("--lrs_urls means nothing to CLICKHOUSE", operation=_OPERATION)
    unknown = sorted(set(config) - CONNECTION_KEYS - TABLE_KEYS - {"create_tables"})
    if unknown:
        raise ConfigurationError(
            f"CLICKHOUSE does not know {', '.join(unknown)}",
            operation=_OPERATION,
            hint=f"it knows {', '.join(sorted(CONNECTION_KEYS | TABLE_KEYS))}",
        )
    table = statement_table(config, transformer_type)
    return ClickHouseSink(config, table, key=key, create=config.get("create_tables") is True)


def _rows(statements: Sequence[Statement]) -> tuple[dict[int, Row], dict[int, str]]:
    """Return the rows, and why there is none for some, both by the statements' numbers."""
    with suppress(UnstorableStatement):
        return dict(enumerate(map(statement_row, statements))), {}
    rows: dict[int, Row] = {}
    unstorable: dict[int, str] = {}
    for number, statement in enumerate(statements):
        try:
            rows[number] = statement_row(statement)
        except UnstorableStatement as error:
            unstorable[number] = str(error)
    return rows, unstorable
