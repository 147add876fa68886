"""MariaDB and PostgreSQL servers for tests, with the tables of an LMS, which can be killed and started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.mariadb_server import mariadb_command
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SETUP = """
import json, sys
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0, interactive=False)
from django.contrib.auth import get_user_model
from log_replay.identities.lms_tables import CourseOverview, ExternalId, ExternalIdType
from log_replay.standalone.embedded import create_lms_tables
create_lms_tables()
directory = json.load(sys.stdin)
types = dict(ExternalIdType.objects.values_list("name", "id"))
for user in directory["users"]:
    ids = user.pop("external_ids", {})
    get_user_model().objects.create(**user)
    for name, value in ids.items():
        ExternalId.objects.create(user_id=user["id"], external_id_type_id=types[name], external_user_id=value)
for course in directory["courses"]:
    CourseOverview.objects.create(**course)
"""


class DatabaseServer:
    """A server of a database.

    Args:
        command: starts the server.
        home: its folder.
        database: its entry in Django's ``DATABASES``.
        user: the user that the server runs as.
        kill_signal: ends it at once.
    """

    def __init__(
        self,
        command: list[str],
        home: Path,
        database: dict[str, Any],
        user: str | None = None,
        kill_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        self._command = command
        self._home = home
        self._user = user
        self._kill_signal = kill_signal
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.support.database_site",
            "PYTHONPATH": str(ROOT),
            "TESTS_DATABASE": json.dumps(database),
            "LOG_REPLAY_HOME": str(home),
        }
        #: A command that succeeds when the server answers.
        self.probe = ["true"]

    def start(self) -> None:
        with (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd="/", stdout=log, stderr=subprocess.STDOUT, user=self._user
            )

    def kill(self) -> None:
        """End the server at once. PostgreSQL's main process tells its children; after SIGKILL it could not restart."""
        if self._process:
            self._process.send_signal(self._kill_signal)
            self._process.wait()

    def cpu_seconds(self) -> float:
        """Return the CPU time of the server so far."""
        assert self._process
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Stop without a delay for connections that are still open."""
        self.kill()

    def load(self, identities: dict[str, Any]) -> None:
        """Create the tables, and load users and courses."""
        subprocess.run(
            [sys.executable, "-c", SETUP],
            env=self.environment,
            input=json.dumps(identities).encode(),
            check=True,
            timeout=120,
        )

    def answers(self, client: list[str]) -> None:
        """Wait until a client has done its command."""
        until = time.monotonic() + 60
        while subprocess.run(client, capture_output=True, check=False).returncode:
            assert time.monotonic() < until, (self._home / "server.log").read_text()[-2000:]
            time.sleep(0.2)

    def wait(self) -> None:
        """Wait until the server answers."""
        self.answers(self.probe)


@contextmanager
def mariadb(home: Path, identities: dict[str, Any], address: str | None = None) -> Iterator[DatabaseServer]:
    """Start MariaDB with the tables of the LMS; with an address, it also listens there, for the user ``replay``."""
    socket = home / "socket"
    listen = [f"--bind-address={address}", "--port=3306", "--skip-name-resolve"] if address else ["--skip-networking"]
    command = [*mariadb_command(home), f"--socket={socket}", *listen, f"--pid-file={home / 'pid'}"]
    database = {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "edxapp",
        "USER": "root",
        "HOST": "localhost",
        "OPTIONS": {"unix_socket": str(socket), "charset": "utf8mb4"},
    }
    running = DatabaseServer(command, home, database)
    client = [str(shutil.which("mariadb")), "--no-defaults", f"--socket={socket}", "--user=root", "-e"]
    with _running(running):
        running.probe = [*client, "SELECT 1"]
        running.answers([*client, "CREATE DATABASE edxapp CHARACTER SET utf8mb4"])
        running.answers([*client, "CREATE USER replay; GRANT ALL ON *.* TO replay"])
        running.load(identities)
        yield running


@contextmanager
def postgresql(home: Path, identities: dict[str, Any]) -> Iterator[DatabaseServer]:
    """Start PostgreSQL with the tables of the LMS."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("this test needs PostgreSQL: apt-get install postgresql")
    pytest.importorskip("psycopg", reason="this test needs psycopg: pip install 'psycopg[binary]'")
    user = "postgres" if os.getuid() == 0 else None  # the server refuses to run as root
    # Other users cannot enter the folders of pytest.
    with tempfile.TemporaryDirectory(prefix="log-replay-postgresql-") as folder:
        if user:
            shutil.chown(folder, user)
        data, bin_ = f"{folder}/data", programs[-1]
        subprocess.run(
            [bin_ / "initdb", "--auth=trust", "--username=root", "--encoding=UTF8", "--no-sync", data],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
        )
        command = [str(bin_ / "postgres"), "-D", data, "-k", folder, "-h", ""]
        database = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "root", "HOST": folder}
        running = DatabaseServer(command, home, database, user, signal.SIGQUIT)
        with _running(running):
            running.probe = [str(bin_ / "pg_isready"), "-h", folder]
            running.wait()
            running.load(identities)
            yield running


class SqliteFile(DatabaseServer):
    """A file of the embedded database, with the interface of a server. It cannot be killed."""

    def __init__(self, home: Path) -> None:
        super().__init__([], home, {})
        self.environment["DJANGO_SETTINGS_MODULE"] = "log_replay.standalone.settings"

    def start(self) -> None:
        """Do nothing."""

    def kill(self) -> None:
        """Do nothing."""


@contextmanager
def sqlite(home: Path, identities: dict[str, Any]) -> Iterator[DatabaseServer]:
    """Create the embedded database in a folder."""
    file = SqliteFile(home)
    (home / "identities.json").write_text(json.dumps(identities))
    program = "from log_replay.management.main import main; main()"
    for command in (["migrate", "--verbosity", "0"], ["load_identities", str(home / "identities.json")]):
        subprocess.run([sys.executable, "-c", program, *command], env=file.environment, check=True, capture_output=True)
    yield file


@contextmanager
def _running(server: DatabaseServer) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.close()
