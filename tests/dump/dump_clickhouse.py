"""A ClickHouse to dump into."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from log_replay.dump.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class ClickHouse:
    """A running engine behind HTTP."""

    url: str
    password: str

    @property
    def connection(self) -> dict[str, str]:
        """What ``log_replay.clickhouse.connect`` takes."""
        return {"url": self.url, "username": "default", "password": self.password}

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return a query's rows."""
        answer = requests.post(self.url, data=sql.encode(), auth=("default", self.password), timeout=60)
        assert answer.ok, answer.text
        return [json.loads(line) for line in answer.text.splitlines() if line]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return what was dumped into a table, but not when."""
        return self.query(f"SELECT * EXCEPT (dump_id, time_last_dumped) FROM {table} ORDER BY ALL FORMAT JSONEachRow")

    def create_database(self) -> str:
        """Create a database with Aspects' tables, and return its name."""
        name = f"event_sink_{secrets.token_hex(4)}"
        self.query(f"CREATE DATABASE {name}")
        for table, definition in TABLES.items():
            self.query(definition.ddl(f"{name}.{table}"))
        return name

    def order_faults(self, *faults: tuple[int, int, str]) -> None:
        """Let the next inserts fail: a status (0: no answer), an error code, ``before`` or ``after`` the insert."""
        requests.post(f"{self.url}faults", json=faults, timeout=60).raise_for_status()


@contextlib.contextmanager
def running_clickhouse(folder: Path) -> Iterator[ClickHouse]:
    """Run an engine in a process of its own."""
    password = secrets.token_hex()
    script = Path(__file__).with_name("clickhouse_front.py")
    process = subprocess.Popen(
        [sys.executable, script, folder, password], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    try:
        yield ClickHouse(f"http://127.0.0.1:{int(process.stdout.readline())}/", password)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
