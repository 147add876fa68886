"""``python -m tests.support.vector.stand_in --config FILE ...``: a stand-in for Vector, for machines without one.

It runs compositions of the sources stdin, file and socket, the transforms, and the sinks clickhouse and dead-letter. It
has the defects of Vector 0.54 to 0.57 that the tests of losses look for:

- without a shutdown limit, stdin drops its last, incomplete chunk if the sinks are slow;
- the file source recognises files by their fingerprint, and replaces bytes that are not UTF-8;
- a request that ClickHouse refuses is dropped, and the exit code is 0.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import re
import signal
import socket
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tests.support.clickhouse_servers import ClickHouse
from tests.support.vector.engines import Topology, VrlPython
from tests.support.vector.far_clickhouse import insert
from tests.support.vector.shipped import composed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHUNK_LINES = 1000
CONFIGURATION_ERROR = 78


class Sinks:
    """The transforms and sinks of a composition."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._topology = Topology(config, VrlPython())
        self._lock = threading.Lock()

    def healthy(self) -> bool:
        """Ask each ClickHouse for a row, as Vector's health check does: not for the table."""
        return all(
            requests.get(
                sink["endpoint"],
                params={"query": "SELECT 1"},
                auth=(sink["auth"]["user"], self._password(sink)),
                timeout=10,
            ).ok
            for sink in self._of_type("clickhouse")
        )

    def store(self, lines: Iterable[bytes]) -> None:
        """Run lines through the transforms, and write the results to every sink."""
        events = [{"message": line.decode("utf-8", "replace")} for line in lines if line]
        with self._lock:
            outputs = self._topology.run("statements_read", events)
            for sink in self._of_type("clickhouse"):
                self._insert(sink, [event for name in sink["inputs"] for event in outputs.get(name, [])])
            for sink in self._of_type("file"):
                with Path(sink["path"]).open("a", encoding="utf-8") as file:
                    for name in sink["inputs"]:
                        file.writelines(json.dumps(event) + "\n" for event in outputs.get(name, []))

    def _insert(self, sink: dict[str, Any], events: list[dict[str, Any]]) -> None:
        if not events:
            return
        response = insert(sink, ClickHouse(sink["endpoint"]), events, self._password(sink))
        while response.status_code >= 500:
            time.sleep(0.1)
            response = insert(sink, ClickHouse(sink["endpoint"]), events, self._password(sink))
        if not response.ok:
            log_error(f"Events dropped. status={response.status_code} count={len(events)}")

    def _of_type(self, kind: str) -> list[dict[str, Any]]:
        return [sink for sink in self._config["sinks"].values() if sink["type"] == kind]

    def _password(self, sink: dict[str, Any]) -> str:
        backend, name = re.fullmatch(r"SECRET\[(\w+)\.(\w+)\]", sink["auth"]["password"]).groups()
        return (Path(self._config["secret"][backend]["path"]) / name).read_text().rstrip()


def read_stdin(sinks: Sinks, *, shutdown_limit: bool) -> None:
    """Read stdin to its end, in chunks. Chunks wait in a short queue while the sinks are slow."""
    chunks: queue.Queue[list[bytes] | None] = queue.Queue(maxsize=1)

    def store() -> None:
        while chunk := chunks.get():
            sinks.store(chunk)

    worker = threading.Thread(target=store)
    worker.start()
    for chunk in _in_chunks(line.rstrip(b"\n") for line in sys.stdin.buffer):
        is_last = len(chunk) < CHUNK_LINES
        if is_last and not shutdown_limit and chunks.full():
            break
        chunks.put(chunk)
    chunks.put(None)
    worker.join()


def _in_chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == CHUNK_LINES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


class Stop:
    """Becomes true after SIGTERM. It has no lock: the main thread handles the signal, and may hold that of an Event."""

    def __init__(self) -> None:
        self._requested = False
        signal.signal(signal.SIGTERM, self._request)

    def __bool__(self) -> bool:
        return self._requested

    def _request(self, *_: object) -> None:
        self._requested = True


def read_files(source: dict[str, Any], data_dir: str, sinks: Sinks, stopped: Stop) -> None:
    """Follow files, and keep the position in each by its fingerprint."""
    checkpoints_path = Path(data_dir) / "checkpoints.json"
    positions = json.loads(checkpoints_path.read_text()) if checkpoints_path.exists() else {}
    while not stopped:
        for path in sorted(path for pattern in source["include"] for path in Path("/").glob(pattern.lstrip("/"))):
            fingerprint = _fingerprint(path, source["fingerprint"]["strategy"])
            with path.open("rb") as file:
                file.seek(positions.get(fingerprint, 0))
                content = file.read()
            whole = content[: content.rfind(b"\n") + 1]
            if fingerprint and whole:
                sinks.store(_joined(whole.split(b"\n")[:-1], source["multiline"]))
                positions[fingerprint] = positions.get(fingerprint, 0) + len(whole)
                checkpoints_path.write_text(json.dumps(positions))
        time.sleep(0.05)


def _fingerprint(path: Path, strategy: str) -> str | None:
    """Return a file's fingerprint; None if its first line is not complete."""
    if strategy == "device_and_inode":
        status = path.stat()
        return f"{status.st_dev} {status.st_ino}"
    with path.open("rb") as file:
        first = file.readline()
    return str(zlib.crc32(first)) if first.endswith(b"\n") else None


def _joined(lines: list[bytes], multiline: dict[str, Any]) -> Iterator[bytes]:
    starts, ends = (re.compile(multiline[name].encode()) for name in ("start_pattern", "condition_pattern"))
    parts: list[bytes] = []
    for line in lines:
        if not parts and not starts.search(line):
            yield line
            continue
        parts.append(line)
        if ends.search(line):
            yield b"\n".join(parts)
            parts = []
    yield from parts


def read_socket(source: dict[str, Any], sinks: Sinks, stopped: Stop) -> None:
    """Read each connection to its end, and store its lines."""
    host, _, port = source["address"].rpartition(":")
    with socket.create_server((host, int(port))) as server:
        server.settimeout(0.05)
        while not stopped:
            with contextlib.suppress(TimeoutError):
                connection, _ = server.accept()
                with connection, connection.makefile("rb") as lines:
                    connection.settimeout(None)
                    for chunk in _in_chunks(line.rstrip(b"\n") for line in lines):
                        sinks.store(chunk)


def log_error(message: str) -> None:
    sys.stderr.write(f"ERROR {message}\n")
    sys.stderr.flush()


def main() -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--config", action="append", type=Path)
    parser.add_argument("--no-graceful-" + "shutdown-limit", action="store_false", dest="shutdown_limit")
    parser.add_argument("--graceful-shutdown-limit-secs", type=int)
    arguments = parser.parse_args()
    config = composed(*arguments.config, environment=dict(os.environ))
    sinks = Sinks(config)
    if os.environ.get("VECTOR_REQUIRE_HEALTHY") == "true" and not sinks.healthy():
        log_error("Sinks unhealthy; shutting down.")
        return CONFIGURATION_ERROR
    stopped = Stop()
    (source,) = config["sources"].values()
    if source["type"] == "stdin":
        read_stdin(sinks, shutdown_limit=arguments.shutdown_limit)
    elif source["type"] == "file":
        read_files(source, config["data_dir"], sinks, stopped)
    else:
        read_socket(source, sinks, stopped)
    return 0


if __name__ == "__main__":
    sys.exit(main())
