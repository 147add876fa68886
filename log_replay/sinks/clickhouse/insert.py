"""Rows -> ClickHouse: one insert a batch, again while that may help, in pieces where a row is at fault."""

from __future__ import annotations

import hashlib
from itertools import chain
from typing import TYPE_CHECKING
from zlib import crc32

from log_replay.clickhouse.errors import FOREIGN, Kind, hint, kind, reason
from log_replay.clickhouse.rows import ROW_FORMAT
from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.retry import RetryPolicy, TemporaryError
from log_replay.storage.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

    from log_replay.clickhouse.rows import Row
    from log_replay.clickhouse.tables import Table

#: A batch of which so many pieces were tried holds more than a few rows at fault: what is left is not cut any further.
MOST_PIECES = 200
_SETTINGS = {
    "async_insert": 0,  # its acknowledgement could mean that it is only queued
    "wait_end_of_query": 1,  # so that the status of the answer is final
    "insert_deduplicate": 1,
    # A repeat of an insert that was stored still has to reach the materialized views, if they did not get it.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "max_partitions_per_insert_block": 0,  # old logs may span more months than the 100 that it allows
}
#: Faster than any network that it saves.
_ZSTD_LEVEL = 1


class Inserter:
    """Inserts into one table.

    Args:
        client: connected.
        table: where the rows go.
        place: what messages call it.
        retry_policy: how often to try again.
    """

    def __init__(self, client: Client, table: Table, *, place: str, retry_policy: RetryPolicy) -> None:
        self._client = client
        self._table = table
        self._columns = [table.columns[name] for name in table.types]
        self._place = place
        self._retry_policy = retry_policy

    def check(self) -> None:
        """Insert no row, which needs the same rights as inserting some.

        Raises:
            ConfigurationError: it is not allowed.
        """
        try:
            self._send(b"", {})
        except FOREIGN as error:
            raise ConfigurationError(
                reason(error), operation="insert into", object=self._place, hint=hint(error)
            ) from None

    def insert(self, rows: Sequence[Row], token: str) -> dict[int, str]:
        """Insert rows and return why those that were not taken were not, by their numbers.

        Args:
            rows: in ``ROW_FORMAT``.
            token: tells this batch from any other; a repeat of the same rows with it is not stored again where the
                table remembers its inserts.

        Raises:
            DestinationUnavailable: the table takes nothing, or nobody has answered in all attempts.
        """
        refused: dict[int, str] = {}
        pieces = [(0, len(rows))] if rows else []
        tried = 0
        while pieces:
            start, end = pieces.pop()
            tried += 1
            why = self._insert_piece(b"".join(chain.from_iterable(rows[start:end])), token)
            if why is None:
                continue
            if end - start == 1 or tried >= MOST_PIECES:
                refused.update(dict.fromkeys(range(start, end), why))
            else:
                middle = (start + end) // 2
                pieces += [(middle, end), (start, middle)]
        return refused

    def _insert_piece(self, body: bytes, token: str) -> str | None:
        """Insert, and return why it was refused, if it was."""
        # Rows that have changed since (a user's name, another version of ERB) are no repeat.
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
        settings = {"insert_deduplication_token": f"{digest} {len(body)} {crc32(body)}"}
        try:
            return self._retry_policy.call(lambda: self._attempt(body, settings))
        except TemporaryError as error:
            raise self._lost(
                f"{error} ({self._retry_policy.retries + 1} attempts)",
                "is it up, and not overloaded? A larger --batch_size makes fewer parts",
            ) from None

    def _attempt(self, body: bytes, settings: dict[str, str]) -> str | None:
        try:
            self._send(body, settings)
        except FOREIGN as error:
            if kind(error) is Kind.PASSING:
                raise TemporaryError(reason(error)) from None
            if kind(error) is Kind.LOST:
                raise self._lost(reason(error), hint(error)) from None
            return reason(error)
        return None

    def _send(self, body: bytes, settings: dict[str, str]) -> None:
        # The embedded engine has no network to save.
        compression = "zstd" if self._client.write_compression else None
        self._client.raw_insert(
            str(self._table),
            self._columns,
            zstd.compress(body, _ZSTD_LEVEL) if compression else body,
            settings={**_SETTINGS, **settings},
            fmt=ROW_FORMAT,
            compression=compression,
        )

    def _lost(self, message: str, hint: str | None) -> DestinationUnavailable:
        return DestinationUnavailable(message, operation="insert into", object=self._place, hint=hint)
