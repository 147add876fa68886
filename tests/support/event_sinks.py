"""Databases to dump into, and their rows."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from log_replay.dump.schema import TABLES

if TYPE_CHECKING:
    from tests.support.clickhouse_servers import ClickHouse


def create_event_sink(clickhouse: ClickHouse, name: str | None = None) -> str:
    """Create a database with Aspects' tables, and return its name."""
    name = name or f"event_sink_{secrets.token_hex(4)}"
    clickhouse.query(f"CREATE DATABASE {name}")
    for table, definition in TABLES.items():
        clickhouse.query(definition.ddl(f"{name}.{table}"))
    return name


def dumped_rows(clickhouse: ClickHouse, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table without the columns that differ between dumps."""
    return clickhouse.rows(f"SELECT * EXCEPT (dump_id, time_last_dumped) FROM {table} ORDER BY ALL")
