"""ClickHouse, embedded or a server: connections, the tables that Aspects has there, and what its errors mean."""

from log_replay.clickhouse.connection import connect

__all__ = ["connect"]
