"""Deliver statements as rows of a ClickHouse table, on a server or in the embedded engine."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.retrying_client import RetryingClient
from log_replay.clickhouse.rows import UnstorableStatement, statement_row
from log_replay.clickhouse.tables import check_keys, prepare_table, statement_table
from log_replay.errors import ConfigurationError, RefusedBatch
from log_replay.records import Delivery, Refusal
from log_replay.sinks.clickhouse.insert import Inserter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from log_replay.clickhouse.rows import Row
    from log_replay.clickhouse.tables import Table
    from log_replay.records import Statement, TransformedEvent
    from log_replay.retry import RetryPolicy


class ClickHouseSink:
    """Inserts each batch in one request. If a batch is refused, only the bad rows of it fail.

    Args:
        config: the connection; see ``connect``.
        table: the table for the statements.
        key: twelve hexadecimal digits, the digest of everything that determines the run's output.
        create: create the table if it does not exist.
        retry_policy: how often to retry.
    """

    routing = None

    def __init__(
        self,
        config: Mapping[str, Any],
        table: Table,
        *,
        key: str,
        create: bool = False,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._client = RetryingClient(config, retry_policy)
        self._inserter = Inserter(self._client, table)
        self._table = table
        self._key = key
        self._create = create
        self._place = self._client.shown(table.shown_name)

    def check(self) -> None:
        """Connect, create the table if requested, check its columns, and insert zero rows."""
        prepare_table(self._client, self._table, create=self._create)
        self._inserter.check()

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Do nothing: a row that is inserted again replaces the row with the same id."""

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Insert the rows of a batch."""
        statements = [(event, statement) for event in batch for statement in event.statements]
        rows, failed = _rows([statement for _, statement in statements])
        refused = self._inserter.insert(list(rows.values()), self._token(batch)) if rows else {}
        if refused:
            numbers = list(rows)
            failed |= {numbers[row]: reason for row, reason in refused.items()}
        return self._delivery(statements, failed) if failed else Delivery(delivered=len(statements))

    def close(self, *, complete: bool) -> None:  # noqa: ARG002 - all acknowledged rows are stored already
        """Close the connection."""
        self._client.close()

    def _token(self, batch: Sequence[TransformedEvent]) -> str:
        return f"{self._key} {batch[0].position} {batch[-1].position}"

    def _delivery(
        self, statements: Sequence[tuple[TransformedEvent, Statement]], failed: Mapping[int, str]
    ) -> Delivery:
        errors = (RefusedBatch(reason, operation="insert into", object=self._place) for reason in failed.values())
        return Delivery(
            delivered=len(statements) - len(failed),
            failed=len(failed),
            failures=tuple(map(str, errors)),
            outcomes=["failed" if number in failed else "delivered" for number in range(len(statements))],
            refusals=[self._refusal(*statements[number], failed[number]) for number in sorted(failed)],
        )

    def _refusal(self, event: TransformedEvent, statement: Statement, reason: str) -> Refusal:
        return Refusal(event.position, event.name, statement.id, reason, self._place, text=statement.text)


def open_clickhouse(
    _provider: str, config: Mapping[str, Any], *, transformer_type: str, key: str, lrs_urls: Sequence[str] | None = None
) -> ClickHouseSink:
    """Return the sink for ``CLICKHOUSE``: the server at ``url``, or the embedded engine at ``path``.

    Raises:
        ConfigurationError: the configuration is wrong.
    """
    if lrs_urls:
        raise ConfigurationError("--lrs_urls has no effect with CLICKHOUSE", operation="open the destination")
    check_keys(config, "the configuration of CLICKHOUSE")
    table = statement_table(config, transformer_type)
    return ClickHouseSink(config, table, key=key, create=config.get("create_tables") is True)


def _rows(statements: Sequence[Statement]) -> tuple[dict[int, Row], dict[int, str]]:
    """Return the rows of the statements, and the reasons of those without a row, both by the statements' numbers."""
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
