"""Fixtures of whole runs."""

from tests.support.clickhouse_servers import clickhouse, clickhouse_process
from tests.support.runs import fresh_shell, logs, options, replay, shell, source
from tests.support.servers import learning_locker, ralph, s3, s3_server

__all__ = [
    "clickhouse", "clickhouse_process",
    "fresh_shell", "learning_locker", "logs", "options", "ralph", "replay", "s3", "s3_server", "shell", "source",
]  # fmt: skip
