"""Access to ClickHouse, as a server or embedded: connections, Aspects' tables, rows, and the meaning of errors."""

from log_replay.clickhouse.clients import connect

__all__ = ["connect"]
