"""Insert the rows of a batch in one request, with retries; bisect a batch that is refused."""

from __future__ import annotations

import hashlib
from itertools import chain
from typing import TYPE_CHECKING
from zlib import crc32

from log_replay.clickhouse.rows import ROW_FORMAT
from log_replay.errors import RefusedBatch
from log_replay.storage.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

    from log_replay.clickhouse.retrying_client import RetryingClient
    from log_replay.clickhouse.rows import Row
    from log_replay.clickhouse.tables import Table

#: The maximum number of inserts for one batch. A batch that needs more has many bad rows: the rest is not bisected.
MAX_INSERTS = 200
_OPERATION = "insert into"
_SETTINGS = {
    "async_insert": 0,  # an asynchronous insert can be acknowledged before it is stored
    "wait_end_of_query": 1,  # otherwise the HTTP status is sent before the insert ends
    "insert_deduplicate": 1,
    # A retry must reach the materialized views that did not get the rows the first time.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_partitions_per_insert_block": 0,  # old logs can span more months than the default of 100
}
#: Level 1 compresses faster than the network sends.
_ZSTD_LEVEL = 1


class Inserter:
    """Inserts rows into one table.

    Args:
        client: the connection.
        table: the table.
    """

    def __init__(self, client: RetryingClient, table: Table) -> None:
        self._client = client
        self._table = table
        self._columns = [table.columns[name] for name in table.types]

    def check(self) -> None:
        """Insert zero rows, which requires the same rights as inserting some.

        Raises:
            ConfigurationError: the user may not insert.
        """
        self._client.check(
            lambda client: self._send(client, b"", {}), operation=_OPERATION, table=self._table.shown_name
        )

    def insert(self, rows: Sequence[Row], token: str) -> dict[int, str]:
        """Insert rows, and return the reasons of those that were refused, by their numbers.

        Args:
            rows: rows in ``ROW_FORMAT``.
            token: identifies the batch. A table with a deduplication window does not store the same rows with the same
                token again.

        Raises:
            DestinationUnavailable: the table accepts no rows, or all retries failed.
        """
        refused: dict[int, str] = {}
        pieces = [(0, len(rows))] if rows else []
        inserts = 0
        while pieces:
            start, end = pieces.pop()
            inserts += 1
            reason = self._insert_piece(b"".join(chain.from_iterable(rows[start:end])), token)
            if reason is None:
                continue
            if end - start == 1 or inserts >= MAX_INSERTS:
                refused.update(dict.fromkeys(range(start, end), reason))
            else:
                middle = (start + end) // 2
                pieces += [(middle, end), (start, middle)]
        return refused

    def _insert_piece(self, body: bytes, token: str) -> str | None:
        """Insert the rows in a body, and return the reason if they are refused."""
        # The content is part of the token: if a statement has changed (a user's name, the version of ERB), the insert
        # is a new one.
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
        settings = {"insert_deduplication_token": f"{digest} {len(body)} {crc32(body)}"}
        try:
            self._client.run(
                lambda client: self._send(client, body, settings), operation=_OPERATION, table=self._table.shown_name
            )
        except RefusedBatch as error:
            return error.message
        return None

    def _send(self, client: Client, body: bytes, settings: dict[str, str]) -> None:
        compression = "zstd" if client.write_compression else None  # off for the embedded engine: there is no network
        client.raw_insert(
            str(self._table),
            self._columns,
            zstd.compress(body, _ZSTD_LEVEL) if compression else body,
            settings={**_SETTINGS, **settings},
            fmt=ROW_FORMAT,
            compression=compression,
        )
