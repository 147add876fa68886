"""``--tracking``: the logs' own events in Aspects' table ``_tracking``, beside the statements made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.connection import connect, shown_place
from log_replay.clickhouse.errors import configuring
from log_replay.clickhouse.rows import line_row
from log_replay.clickhouse.tables import check_table, create_table, tracking_table
from log_replay.errors import DestinationUnavailable
from log_replay.events import UnparsableLine, parse_event
from log_replay.events.filters import read_time
from log_replay.events.prefilter import is_plain
from log_replay.records import Position, lines_of
from log_replay.retry import RetryPolicy
from log_replay.sinks.clickhouse.insert import Inserter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clickhouse_connect.driver.client import Client

    from log_replay.clickhouse.rows import Row
    from log_replay.events.filters import Filters
    from log_replay.records import LineBlock


class TrackingStore:
    """Stores every event of the period that is replayed, whether statements are made of it or not.

    The table cannot tell a repeat from a new event, as it has no ids: the same block is stored once where the table
    remembers its inserts, but a run that is resumed may store some lines again.

    Args:
        config: the destination's.
        filters: of which only the period counts.
        create: whether to create the table if it is missing.
        retry_policy: how often to try again.
    """

    def __init__(
        self, config: Mapping[str, Any], filters: Filters, *, create: bool, retry_policy: RetryPolicy | None = None
    ) -> None:
        self._config = config
        self._filters = filters
        self._create = create
        self._retry_policy = retry_policy or RetryPolicy()
        self._table = tracking_table(config)
        self._place = f"{self._table.database}.{self._table.name} at {shown_place(config)}"
        self._client: Client | None = None
        self._inserter: Inserter | None = None

    def check(self) -> None:
        """Connect, create the table if that was asked for, and look at it.

        Raises:
            ConfigurationError: rows cannot be inserted.
        """
        self._client = connect(self._config)
        self._inserter = Inserter(self._client, self._table, place=self._place, retry_policy=self._retry_policy)
        with configuring(self._place):
            if self._create:
                create_table(self._client, self._table)
            check_table(self._client, self._table)
        self._inserter.check()

    def store(self, block: LineBlock) -> None:
        """Insert the events of a block; lines that are none have no place in the table.

        Raises:
            DestinationUnavailable: the table does not take them.
        """
        rows = list(self._rows(block))
        if self._inserter is None or not rows:
            return
        refused = self._inserter.insert(rows, f"{block.object} {block.start} {block.end_offset}")
        if refused:
            raise DestinationUnavailable(next(iter(refused.values())), operation="insert into", object=self._place)

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = self._inserter = None

    def _rows(self, block: LineBlock) -> Iterator[Row]:
        since, until = self._filters.since, self._filters.until
        for line, offset in lines_of(block):
            try:
                event = parse_event(line, Position(block.object, offset), plain=is_plain(line))
                moment = read_time(event.fields.get("time", event.fields.get("timestamp")))
            except (UnparsableLine, ValueError):
                continue
            if (since is None or since <= moment) and (until is None or moment < until):
                yield line_row(moment, event.json_text)
