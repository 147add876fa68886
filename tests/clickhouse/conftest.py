"""Fixtures: a ClickHouse server, and sinks that insert into it."""

from tests.support.clickhouse_servers import clickhouse, clickhouse_process, old_clickhouse
from tests.support.clickhouse_tables import batch, opened
from tests.support.servers import s3, s3_server

__all__ = ["batch", "clickhouse", "clickhouse_process", "old_clickhouse", "opened", "s3", "s3_server"]
