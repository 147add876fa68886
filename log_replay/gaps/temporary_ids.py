"""Store the ids of the logs' statements in temporary tables. ``TemporaryIds`` is a sink, so a run can fill them."""

from __future__ import annotations

import re
import tempfile
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.clients import embedded_path
from log_replay.clickhouse.retrying_client import RetryingClient
from log_replay.clickhouse.rows import ROW_FORMAT, UnstorableStatement, row_head, sized
from log_replay.errors import ConfigurationError
from log_replay.records import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from log_replay.records import Statement, TransformedEvent

#: The pattern of a course id in a statement's text, for Python and for ClickHouse.
COURSE = r'course-v1:[^/"?&\\\s]{1,255}'
_COURSE = re.compile(COURSE.encode())
_DATABASE = "log_replay_gaps"
#: The ids of the logs, and the ids of the table that they are compared with.
LOG_IDS, TABLE_IDS = f"{_DATABASE}.log_ids", f"{_DATABASE}.table_ids"
_COLUMNS = "(id UUID, moment Int64, label String)"
#: Merges are stopped, because they take memory. So a table can have many parts.
_ENGINE = "ENGINE = MergeTree ORDER BY (moment, id) SETTINGS parts_to_delay_insert = 0, parts_to_throw_insert = 1000000"
#: Settings that save memory. Reading the logs takes longer than the comparison, so its speed does not matter.
_SETTINGS = {
    "max_threads": 1,
    "max_block_size": 4096,
    "preferred_block_size_bytes": 1 << 18,
    "min_insert_block_size_rows": 20_000,
    "min_insert_block_size_bytes": 4 << 20,
}
#: The size of one insert.
_INSERT_BYTES = 4 << 20
_UNSTORABLE = "statements without a UUID or a valid time, which no table can store"


class TemporaryIds:
    """The temporary tables ``LOG_IDS`` and ``TABLE_IDS``.

    Args:
        client: the connection to the embedded engine with the tables.
        by: the value of ``--by``; ``event`` and ``course`` store a label for each statement.
    """

    routing = None

    def __init__(self, client: RetryingClient, by: str) -> None:
        self.client = client
        self._by = by
        self._rows: list[bytes] = []
        self._rows_bytes = 0

    def check(self) -> None:
        """Do nothing: the tables were just created."""

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Do nothing: a comparison is never resumed."""

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Store the ids of a batch."""
        outcomes: list[str] = []
        for event in batch:
            for statement in event.statements:
                try:
                    row = row_head(statement) + sized(self._label(event, statement))
                except UnstorableStatement:
                    outcomes.append("failed")
                    continue
                outcomes.append("delivered")
                self._rows.append(row)
                self._rows_bytes += len(row)
        if self._rows_bytes >= _INSERT_BYTES:
            self._flush()
        failed = outcomes.count("failed")
        if not failed:
            return Delivery(len(outcomes))
        return Delivery(len(outcomes) - failed, failed=failed, failures=(_UNSTORABLE,) * failed, outcomes=outcomes)

    def insert(self, table: str, rows: bytes, row_format: str) -> None:
        """Insert rows into one of the tables.

        Raises:
            DeliveryError: the engine does not accept them, for example because the disk is full.
        """
        if rows:
            self.client.run(
                lambda client: client.raw_insert(table, ["id", "moment", "label"], rows, fmt=row_format),
                operation="insert into",
                table=table,
            )

    def clear(self, table: str) -> None:
        """Remove all rows of one of the tables."""
        self.client.run(lambda client: client.command(f"TRUNCATE TABLE {table}"), operation="clear", table=table)

    def close(self, *, complete: bool) -> None:
        """Insert the last rows. The tables stay for the comparison."""
        if complete:
            self._flush()

    def _flush(self) -> None:
        rows, self._rows, self._rows_bytes = b"".join(self._rows), [], 0
        self.insert(LOG_IDS, rows, ROW_FORMAT)

    def _label(self, event: TransformedEvent, statement: Statement) -> bytes:
        if self._by == "event":
            return event.name.encode()
        found = _COURSE.search(statement.text) if self._by == "course" else None
        return found[0] if found else b""


@contextmanager
def temporary_ids(config: Mapping[str, Any], by: str) -> Iterator[TemporaryIds]:
    """Provide empty tables until the context ends: in the embedded database to compare with, or in a temporary folder.

    Raises:
        ConfigurationError: there is no embedded database, or it cannot be opened.
    """
    if config.get("url") is None:
        folder = embedded_path(config)
        if not folder.is_dir():
            raise ConfigurationError(
                "there is no embedded database", operation="compare with", object=str(folder),
                hint="name another ClickHouse with --missing_from",
            )  # fmt: skip
        with _tables(config, by) as ids:
            yield ids
        return
    with tempfile.TemporaryDirectory(prefix="log-replay-") as folder_name, _tables({"path": folder_name}, by) as ids:
        yield ids


@contextmanager
def _tables(config: Mapping[str, Any], by: str) -> Iterator[TemporaryIds]:
    with closing(RetryingClient(config)) as client:
        client.check(_create_tables, operation="create", table=_DATABASE)
        try:
            yield TemporaryIds(client, by)
        finally:
            client.client.command(f"DROP DATABASE IF EXISTS {_DATABASE} SYNC")


def _create_tables(client: Client) -> None:
    client.command("SYSTEM STOP MERGES")
    for name, value in _SETTINGS.items():
        client.set_client_setting(name, value)
    # A killed comparison can have left its tables. No other process can be using them.
    client.command(f"DROP DATABASE IF EXISTS {_DATABASE} SYNC")
    client.command(f"CREATE DATABASE {_DATABASE}")
    for table in (LOG_IDS, TABLE_IDS):
        client.command(f"CREATE TABLE {table} {_COLUMNS} {_ENGINE}")
