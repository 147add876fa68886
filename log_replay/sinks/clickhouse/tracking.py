"""Store the events of the logs themselves in Aspects' table ``_tracking`` (option ``--tracking``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.retrying_client import RetryingClient
from log_replay.clickhouse.rows import line_row
from log_replay.clickhouse.tables import prepare_table, tracking_table
from log_replay.errors import DestinationUnavailable
from log_replay.events import UnparsableLine, parse_fields
from log_replay.events.filters import read_time
from log_replay.records import lines_of
from log_replay.sinks.clickhouse.insert import Inserter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from log_replay.clickhouse.rows import Row
    from log_replay.events.filters import Filters
    from log_replay.records import LineBlock
    from log_replay.retry import RetryPolicy


class TrackingStore:
    """Stores all events of the replayed period, including those that give no statement.

    The table has no ids, so it cannot replace duplicates. With a deduplication window, it stores the same block only
    once. A run that is resumed can store some lines again.

    Args:
        config: the configuration of the destination.
        filters: the filters of the run; only the period applies.
        create: create the table if it does not exist.
        retry_policy: how often to retry.
    """

    def __init__(
        self, config: Mapping[str, Any], filters: Filters, *, create: bool, retry_policy: RetryPolicy | None = None
    ) -> None:
        self._filters = filters
        self._create = create
        self._table = tracking_table(config)
        self._client = RetryingClient(config, retry_policy)
        self._inserter = Inserter(self._client, self._table)

    def check(self) -> None:
        """Connect, create the table if requested, check its columns, and insert zero rows.

        Raises:
            ConfigurationError: rows cannot be inserted.
        """
        prepare_table(self._client, self._table, create=self._create)
        self._inserter.check()

    def store(self, block: LineBlock) -> None:
        """Insert the events of a block, without the lines that are not events.

        Raises:
            DestinationUnavailable: the table does not accept them.
        """
        rows = list(self._rows(block))
        refused = self._inserter.insert(rows, f"{block.object} {block.start} {block.end_offset}")
        if refused:
            place = self._client.shown(self._table.shown_name)
            raise DestinationUnavailable(next(iter(refused.values())), operation="insert into", object=place)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _rows(self, block: LineBlock) -> Iterator[Row]:
        since, until = self._filters.since, self._filters.until
        for line, _offset in lines_of(block):
            try:
                text, fields = parse_fields(line)
                moment = read_time(fields.get("time", fields.get("timestamp")))
            except (UnparsableLine, ValueError):
                continue
            if (since is None or since <= moment) and (until is None or moment < until):
                yield line_row(moment, text)
