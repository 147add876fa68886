"""ClickHouse servers for tests: the embedded engine behind HTTP, with fault injection, and Debian's server."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.servers import answered, free_port, served

HTTP_SERVER = Path(__file__).parent / "clickhouse_http.py"


@dataclass
class ClickHouse:
    """A running server."""

    url: str
    username: str = "default"
    password: str = "hunter3"

    @property
    def config(self) -> dict[str, str]:
        return {"url": self.url, "username": self.username, "password": self.password}

    def query(self, sql: str) -> list[list[str]]:
        """Return a query's rows, their values as text."""
        return [line.split("\t") for line in self._answer(sql)]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return a query's rows by the names of their columns."""
        return [json.loads(line) for line in self._answer(f"{sql} FORMAT JSONEachRow")]

    def _answer(self, sql: str) -> list[str]:
        response = requests.post(self.url, data=sql.encode(), auth=(self.username, self.password), timeout=60)
        assert response.ok, response.text
        # Not `text`: requests would guess the encoding.
        return response.content.decode().split("\n")[:-1]

    def inject(self, *faults: dict) -> None:
        """Replace all faults. Each fault applies to the next request that it matches."""
        requests.post(f"{self.url}/faults", json=faults, timeout=10)

    def queries(self) -> list[str]:
        """Return the queries since the last call of ``inject``."""
        return requests.get(f"{self.url}/asked", timeout=10).json()


CONFIG = """<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host><http_port>{http}</http_port><tcp_port>{tcp}</tcp_port>
  <path>{path}/</path><tmp_path>{path}/tmp/</tmp_path><mark_cache_size>100000000</mark_cache_size>
  <users_config>users.xml</users_config><default_profile>default</default_profile>
  <default_database>default</default_database>
</yandex>"""
USERS = """<yandex>
  <profiles><default/></profiles><quotas><default/></quotas>
  <users><tests><password>hunter3</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
  <quota>default</quota></tests></users>
</yandex>"""


@pytest.fixture(scope="session")
def old_clickhouse(tmp_path_factory):
    """The URL of Debian's server. It is too old for our tables, but has real users and passwords."""
    program = shutil.which("clickhouse-server", path="/usr/sbin:/usr/bin")
    if not program:
        pytest.skip("real authentication errors need Debian's server: apt-get install clickhouse-server")
    folder = tmp_path_factory.mktemp("old-clickhouse")
    port = free_port()
    (folder / "config.xml").write_text(CONFIG.format(http=port, tcp=free_port(), path=folder / "data"))
    (folder / "users.xml").write_text(USERS)
    (folder / "data").mkdir()
    with served([program, "--config-file", "config.xml"], folder, {}) as log:
        answered(f"http://127.0.0.1:{port}/ping", log)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def clickhouse_process(tmp_path_factory):
    port = free_port()
    folder = tmp_path_factory.mktemp("clickhouse")
    with served([sys.executable, str(HTTP_SERVER), str(port), str(folder / "data")], folder, {}) as log:
        answered(f"http://127.0.0.1:{port}/ping", log)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def clickhouse(clickhouse_process):
    """A server without databases and faults."""
    server = ClickHouse(clickhouse_process)
    server.inject()
    kept = {"system", "information_schema", "INFORMATION_SCHEMA", "default", "_local"}
    for (name,) in server.query("SHOW DATABASES"):
        if name not in kept:
            server.query(f"DROP DATABASE `{name}`")
    server.inject()
    return server
