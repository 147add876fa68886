"""The ids of the logs' statements, in a temporary table: a sink, so that a run can fill it."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from log_replay.clickhouse.connection import connect, embedded_path
from log_replay.clickhouse.errors import FOREIGN, reason
from log_replay.clickhouse.rows import ROW_FORMAT, UnstorableStatement, row_head, sized
from log_replay.errors import ConfigurationError, DestinationUnavailable
from log_replay.records import ALL_ROUTES, Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from log_replay.records import EventFields, Statement, TransformedEvent

#: How a course is found in a statement's text: here, and by ClickHouse in the table's.
COURSE = r'course-v1:[^/"?&\\\s]{1,255}'
_COURSE = re.compile(COURSE.encode())
_DATABASE = "log_replay_gaps"
#: Those of the logs, and those that were fetched of a table elsewhere.
LOGS, THERE = f"{_DATABASE}.logs", f"{_DATABASE}.there"
_COLUMNS = "(id UUID, moment Int64, label String)"
#: Nothing is merged while logs are compared, which would take memory; so there may be many parts.
_ENGINE = "ENGINE = MergeTree ORDER BY (moment, id) SETTINGS parts_to_delay_insert = 0, parts_to_throw_insert = 1000000"
#: A comparison waits for the logs to be read: it need not be fast, but it must be small.
_SETTINGS = {
    "max_threads": 1,
    "max_block_size": 4096,
    "preferred_block_size_bytes": 1 << 18,
    "min_insert_block_size_rows": 20_000,
    "min_insert_block_size_bytes": 4 << 20,
}
#: So many bytes of rows are inserted at once.
_INSERT_BYTES = 4 << 20


class Ids:
    """The temporary tables: ``LOGS``, and ``THERE`` for what is fetched of a table elsewhere.

    Args:
        client: of the engine that holds them.
        by: ``event`` and ``course`` label the statements; a time needs no label.
    """

    def __init__(self, client: Client, by: str) -> None:
        self.client = client
        self._by = by
        self._rows: list[bytes] = []
        self._rows_bytes = 0

    def check(self) -> None:
        """Find nothing wrong: the tables were just made."""

    def routes(self, fields: EventFields) -> int:  # noqa: ARG002 - the protocol's
        """Want everything."""
        return ALL_ROUTES

    def resume_from(self, acknowledgements: Sequence[Mapping[str, Any]]) -> None:
        """Do nothing: a comparison is never resumed."""

    def deliver(self, batch: Sequence[TransformedEvent]) -> Delivery:
        """Keep the ids of a batch."""
        outcomes: list[str] = []
        for event in batch:
            for statement in event.statements:
                try:
                    row = row_head(statement) + sized(self._label(event, statement))
                except UnstorableStatement:
                    outcomes.append("failed")  # no table can have it
                    continue
                outcomes.append("delivered")
                self._rows.append(row)
                self._rows_bytes += len(row)
        if self._rows_bytes >= _INSERT_BYTES:
            self._flush()
        failed = outcomes.count("failed")
        if not failed:
            return Delivery(len(outcomes))
        why = "they have no UUID or no time, so that no table can hold them"
        return Delivery(len(outcomes) - failed, failed=failed, failures=(why,), outcomes=outcomes)

    def insert(self, table: str, rows: bytes, row_format: str) -> None:
        """Add rows to one of the tables.

        Raises:
            DestinationUnavailable: it takes none: the disk is full, for example.
        """
        if not rows:
            return
        try:
            self.client.raw_insert(table, ["id", "moment", "label"], rows, fmt=row_format)
        except FOREIGN as error:
            raise DestinationUnavailable(reason(error), operation="keep ids in", object="a temporary table") from None

    def close(self, *, complete: bool) -> None:
        """Insert the last rows; the tables are yet to be compared."""
        if complete:
            self._flush()

    def _flush(self) -> None:
        rows, self._rows, self._rows_bytes = b"".join(self._rows), [], 0
        self.insert(LOGS, rows, ROW_FORMAT)

    def _label(self, event: TransformedEvent, statement: Statement) -> bytes:
        if self._by == "event":
            return event.name.encode()
        found = _COURSE.search(statement.text) if self._by == "course" else None
        return found[0] if found else b""


@contextmanager
def temporary_ids(config: Mapping[str, Any], by: str) -> Iterator[Ids]:
    """Give empty tables for as long as the context lasts: beside the table if that is embedded, else in a folder.

    Raises:
        ConfigurationError: there is no embedded database, or none can be made.
    """
    if config.get("url") is None:
        folder = embedded_path(config)
        if not folder.is_dir():
            raise ConfigurationError(
                "there is no embedded database", operation="compare with", object=str(folder),
                hint="name another with --missing_from",
            )  # fmt: skip
        with _tables(config, by) as ids:
            yield ids
        return
    with tempfile.TemporaryDirectory(prefix="log-replay-") as folder_name, _tables({"path": folder_name}, by) as ids:
        yield ids


@contextmanager
def _tables(config: Mapping[str, Any], by: str) -> Iterator[Ids]:
    with connect(config) as client:
        client.command("SYSTEM STOP MERGES")
        for name, value in _SETTINGS.items():
            client.set_client_setting(name, value)
        # One that was killed may have left its own; only one process can have them open.
        client.command(f"DROP DATABASE IF EXISTS {_DATABASE} SYNC")
        client.command(f"CREATE DATABASE {_DATABASE}")
        try:
            for table in (LOGS, THERE):
                client.command(f"CREATE TABLE {table} {_COLUMNS} {_ENGINE}")
            yield Ids(client, by)
        finally:
            client.command(f"DROP DATABASE IF EXISTS {_DATABASE} SYNC")
