"""A ClickHouse to insert into, and the requests with which Vector's sink does."""

from __future__ import annotations

import contextlib
import gzip
import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class ClickHouse:
    """A running engine with Aspects' tables."""

    url: str
    password: str

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return a query's rows."""
        answer = requests.post(self.url, data=sql.encode(), auth=("default", self.password), timeout=60)
        assert answer.ok, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


@contextlib.contextmanager
def running_clickhouse(folder: Path) -> Iterator[ClickHouse]:
    """Run an engine in a process of its own."""
    password = secrets.token_hex()
    script = Path(__file__).with_name("clickhouse_server.py")
    # An inserting engine looks for more on stdin, and waits there for as long as it is open.
    process = subprocess.Popen(
        [sys.executable, script, folder, password], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    try:
        yield ClickHouse(f"http://127.0.0.1:{int(process.stdout.readline())}/", password)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def encoded_row(event: dict[str, Any], encoding: dict[str, Any]) -> str:
    """Encode an event as a sink's JSON codec does: keys in order, without the fields left out."""
    only, without = encoding.get("only_fields"), encoding.get("except_fields", [])
    kept = {key: value for key, value in event.items() if (only is None or key in only) and key not in without}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def insert(sink: dict[str, Any], server: ClickHouse, events: list[dict[str, Any]], password: str) -> requests.Response:
    """Post events as Vector's clickhouse sink does (src/sinks/clickhouse/service.rs in 0.54 and 0.58)."""
    parameters = {"input_format_import_nested_json": 1}
    if "skip_unknown_fields" in sink:
        parameters["input_format_skip_unknown_fields"] = int(sink["skip_unknown_fields"])
    if sink.get("date_time_best_effort"):
        parameters["date_time_input_format"] = "best_effort"
    assert sink["format"] == "json_each_row"
    parameters["query"] = f'INSERT INTO "{sink["database"]}"."{sink["table"]}" FORMAT JSONEachRow'
    body = "".join(encoded_row(event, sink["encoding"]) + "\n" for event in events)
    assert sink["compression"] == "gzip"
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    return requests.post(
        f"{server.url}?{urlencode(parameters)}",
        data=gzip.compress(body.encode()),
        headers=headers,
        auth=(sink["auth"]["user"], password),
        timeout=60,
    )
