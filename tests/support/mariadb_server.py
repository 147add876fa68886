"""A MariaDB server on a free port of 127.0.0.1, with a password for root."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import free_port, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class MariaDb:
    """A running server."""

    port: int
    password: str
    host: str = "127.0.0.1"

    def query(self, sql: str, *, user: str = "root", password: str | None = None) -> list[list[str]]:
        """Return a query's rows, their values as text."""
        done = self.run(sql, user=user, password=password)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def run(self, sql: str, *, user: str = "root", password: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run statements with the command line client."""
        command = [
            "mariadb", "--no-defaults", "--protocol=TCP", f"--host={self.host}", f"--port={self.port}",
            f"--user={user}", "--skip-column-names", "--batch",
        ]  # fmt: skip
        environment = {**os.environ, "MYSQL_PWD": self.password if password is None else password}
        return subprocess.run(command, input=sql, env=environment, capture_output=True, text=True, check=False)

    def url(self, database: str) -> str:
        return f"mysql://root:{self.password}@{self.host}:{self.port}/{database}?charset=utf8mb4"


def mariadb_command(home: Path) -> list[str]:
    """Create the data of a server in a folder. Return the beginning of the command that starts it; or skip the test."""
    install, server = (
        shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("mariadb-install-db", "mariadbd")
    )
    if not install or not server:
        pytest.skip("this test needs MariaDB: apt-get install mariadb-server")
    pytest.importorskip("MySQLdb", reason="this test needs mysqlclient: pip install mysqlclient")
    user = f"--user={os.environ.get('USER', 'root')}"
    # A server that starts removes the temporary tables of all others in its temporary folder.
    place = ["--no-defaults", f"--datadir={home / 'data'}", f"--tmpdir={home}"]
    subprocess.run(
        [install, *place, "--auth-root-authentication-method=normal", user],
        check=True,
        capture_output=True,
    )
    return [server, *place, user]


@contextmanager
def mariadb_server(home: Path) -> Iterator[MariaDb]:
    """Start a server, or skip the test."""
    start = mariadb_command(home)
    running = MariaDb(free_port(), secrets.token_urlsafe())
    # The server reads one statement a line.
    (home / "init.sql").write_text(
        f"CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '{running.password}';\n"
        "GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n"
    )
    command = [
        *start, f"--socket={home / 'socket'}", f"--port={running.port}",
        "--bind-address=127.0.0.1", "--skip-name-resolve", f"--pid-file={home / 'pid'}",
        f"--init-file={home / 'init.sql'}",
    ]  # fmt: skip
    with served(command, home, {}) as log:
        until = time.monotonic() + 60
        while running.run("SELECT 1").returncode:
            assert time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.2)
        yield running
