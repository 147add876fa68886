"""Real servers for tests: LRSs (Ralph, Learning Locker's core) and S3 (moto), on free ports of 127.0.0.1.

Fixtures of session scope, which a folder's ``conftest.py`` imports. Servers that are no dependency of the tests'
environment are installed once, below ``LOG_REPLAY_TEST_CACHE``.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import venv
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CACHE = Path(os.environ.get("LOG_REPLAY_TEST_CACHE", "~/.cache/log-replay-tests")).expanduser()
RALPH = "ralph-malph[full]>=5.1,<6"
LEARNING_LOCKER = "@learninglocker/xapi-statements@7"
HERE = Path(__file__).parent

_RALPH_APP = """
from ralph.backends.data.base import BaseOperationType
from ralph.backends.data.fs import FSDataBackend
FSDataBackend.default_operation_type = BaseOperationType.APPEND  # it can only create its file otherwise
from ralph.api import app
"""


@dataclass
class Lrs:
    """A running LRS. ``url`` is the URL of a route to it."""

    url: str
    username: str
    password: str
    statements: Callable[[], list[dict[str, Any]]]

    @property
    def config(self) -> dict[str, str]:
        return {"url": self.url, "username": self.username, "password": self.password}

    def stored(self, ids: set[str]) -> list[dict[str, Any]]:
        """Return the stored statements with these ids."""
        return [statement for statement in self.statements() if statement["id"] in ids]


@dataclass
class S3:
    """A running S3 server with one empty bucket a test, ``container``."""

    host: str
    port: int
    container: str
    key: str = "key"
    secret: str = "secret"

    @property
    def config(self) -> dict[str, Any]:
        """The configuration for MINIO; S3 needs a ``region`` too."""
        return {
            "key": self.key,
            "secret": self.secret,
            "host": self.host,
            "port": self.port,
            "secure": False,
            "container": self.container,
        }

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/{self.container}"

    def names(self) -> list[str]:
        """List the bucket's objects."""
        listing = ET.fromstring(requests.get(self.url, timeout=30).content)
        return [key.text or "" for key in listing.iter("{http://s3.amazonaws.com/doc/2006-03-01/}Key")]

    def write(self, name: str, content: bytes) -> None:
        """Create an object."""
        requests.put(f"{self.url}/{quote(name)}", data=content, timeout=30).raise_for_status()

    def read(self, name: str) -> bytes:
        """Return an object's content as it is stored: not decompressed by its Content-Encoding."""
        # moto accepts any signature, but wants to see one.
        signed = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
        response = requests.get(f"{self.url}/{quote(name)}", headers={"Authorization": signed}, timeout=30, stream=True)
        with response:
            response.raise_for_status()
            return response.raw.read(decode_content=False)


@pytest.fixture(scope="session")
def ralph(tmp_path_factory) -> Iterator[Lrs]:
    """Start Ralph with its file system backend."""
    python = ralph_folder() / "bin" / "python"
    home = tmp_path_factory.mktemp("ralph")
    (home / "served.py").write_text(_RALPH_APP)
    username, password, port = "tests", secrets.token_urlsafe(), free_port()
    hashing = "import bcrypt, sys; print(bcrypt.hashpw(sys.stdin.buffer.read(), bcrypt.gensalt(4)).decode())"
    hashed = subprocess.run(
        [python, "-c", hashing], input=password, capture_output=True, text=True, check=True
    ).stdout.strip()
    agent = {"mbox": "mailto:tests@example.com"}
    (home / "auth.json").write_text(
        json.dumps([{"username": username, "hash": hashed, "scopes": ["all"], "agent": agent}])
    )
    environment = {
        "RALPH_APP_DIR": str(home),
        "RALPH_AUTH_FILE": str(home / "auth.json"),
        "RALPH_RUNSERVER_BACKEND": "fs",
        "RALPH_BACKENDS__LRS__FS__DEFAULT_DIRECTORY_PATH": str(home / "statements"),
    }
    command = [python, "-m", "uvicorn", "served:app", "--host", "127.0.0.1", "--port", str(port)]
    with served(command, home, environment) as log:
        answered(f"http://127.0.0.1:{port}/__lbheartbeat__", log)

        def statements() -> list[dict[str, Any]]:
            stored = home / "statements" / "fs_lrs.jsonl"
            return [json.loads(line) for line in stored.read_bytes().splitlines()] if stored.exists() else []

        yield Lrs(f"http://127.0.0.1:{port}/xAPI", username, password, statements)


@pytest.fixture(scope="session")
def learning_locker(tmp_path_factory) -> Iterator[Lrs]:
    """Start Learning Locker's xAPI service, with repositories in memory."""
    modules = learning_locker_folder()
    username, password = "tests", secrets.token_urlsafe()
    token = b64encode(f"{username}:{password}".encode()).decode()
    command = ["node", str(HERE / "learning_locker.js")]
    with served(command, modules, {"LRS_AUTHORIZATION": f"Basic {token}"}) as log:
        port = first_line(log)
        url = f"http://127.0.0.1:{port}/xAPI"

        def statements() -> list[dict[str, Any]]:
            # In one page: in memory, its cursors compare version 1 UUIDs as text, whose order turns every 7 minutes.
            answer = requests.get(
                f"{url}/statements?limit=10000000",
                auth=(username, password),
                headers={"X-Experience-API-Version": "1.0.3"},
                timeout=60,
            ).json()
            assert not answer.get("more")
            return answer["statements"]

        yield Lrs(url, username, password, statements)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory) -> Iterator[tuple[str, int]]:
    """Start moto, whose S3 accepts any credentials."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with served(command, tmp_path_factory.mktemp("moto"), {}) as log:
        answered(f"http://127.0.0.1:{port}/moto-api/", log)
        yield "127.0.0.1", port


@pytest.fixture
def s3(s3_server) -> S3:
    """Create a bucket."""
    bucket = S3(*s3_server, container=f"bucket-{secrets.token_hex(4)}")
    requests.put(bucket.url, timeout=30).raise_for_status()
    return bucket


def ralph_folder() -> Path:
    """Return the virtual environment with Ralph."""
    return installed("ralph", RALPH, _install_ralph)


def learning_locker_folder() -> Path:
    """Return the folder of the npm packages of Learning Locker."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Learning Locker needs node and npm: apt-get install nodejs npm")
    return installed("learning-locker", LEARNING_LOCKER, _install_learning_locker)


def installed(name: str, requirement: str, install: Callable[[Path, str], None]) -> Path:
    """Return the folder in which a requirement is installed, after installing it if necessary."""
    folder = CACHE / name
    done = folder / "installed"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may share the cache
        if done.is_file() and done.read_text() == requirement:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            install(folder, requirement)
        except (subprocess.CalledProcessError, OSError) as error:
            output = getattr(error, "stderr", None) or str(error)
            pytest.skip(f"cannot install {requirement} (is there a network?): {output.strip().splitlines()[-1:]}")
        done.write_text(requirement)
    return folder


def _install_ralph(folder: Path, requirement: str) -> None:
    venv.create(folder, with_pip=True)
    run = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", requirement]
    subprocess.run(run, check=True, capture_output=True, text=True)


def _install_learning_locker(folder: Path, requirement: str) -> None:
    run = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", requirement]
    subprocess.run(run, check=True, capture_output=True, text=True)


@contextlib.contextmanager
def served(command: list[Any], folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Run a server until the context ends. Yield the file with its output."""
    log = Path(folder) / f"server-{os.getpid()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield log
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answered(url: str, log: Path, seconds: float = 60) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            requests.get(url, timeout=5)
        except requests.RequestException:
            if time.monotonic() > deadline:
                pytest.fail(f"no server at {url}: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        else:
            return


def first_line(log: Path, seconds: float = 60) -> str:
    """Wait for a server to print its first line."""
    deadline = time.monotonic() + seconds
    while b"\n" not in log.read_bytes():
        if time.monotonic() > deadline:
            pytest.fail(f"the server says nothing: {log.read_text()[-2000:]}")
        time.sleep(0.1)
    return log.read_text().splitlines()[0]
