"""Tests with Vector itself: compositions are valid, unit tests pass, and every statement arrives."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from log_replay.records import Position, Statement, TransformedEvent
from log_replay.statement_log import flush_statements, statements_to
from log_replay.statement_log.emit import log_statements
from tests.support.servers import free_port
from tests.support.vector.emitted import FORMATTERS, caliper, encoded, lines, xapi
from tests.support.vector.running_vector import BINARY, Vector, eventually
from tests.support.vector.shipped import DEAD_LETTER, SINKS, TRANSFORMS, VECTOR, compositions, named

if TYPE_CHECKING:
    from tests.support.clickhouse_servers import ClickHouse

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if not BINARY:
    pytest.skip("no Vector: put one on PATH, or set LOG_REPLAY_VECTOR=/path/to/vector", allow_module_level=True)

STDIN = VECTOR / "sources" / "stdin.yaml"
SINK = {path.stem: path for path in SINKS}
GARBAGE = [b"Listening at: http://0.0.0.0:8000", b'{"level":"info"}', b"", encoded(xapi())[:-9], b"\xff\xfe {"]
TRACKING = (
    b"2026-11-21 09:12:13,123 INFO 17 [tracking] [user 5] [ip 10.1.2.3] logger.py:41 - "
    b'{"name": "page_close", "time": "2023-04-05T06:07:08.123456+00:00", "event": "{}"}'
)


def into_clickhouse(vector: Vector, clickhouse: ClickHouse) -> None:
    vector.settings |= {"CLICKHOUSE_ENDPOINT": clickhouse.url, "LOG_REPLAY_KINDS": "xapi"}
    vector.secret("clickhouse_password", clickhouse.password)


def stored(clickhouse: ClickHouse, texts: list[bytes]) -> dict[str, bytes]:
    ids = tuple(json.loads(text)["id"] for text in texts)
    rows = clickhouse.rows(f"SELECT event_id, event FROM openedx.xapi_events_all FINAL WHERE event_id IN {ids}")
    return {row["event_id"]: row["event"].encode() for row in rows}


def by_id(texts: list[bytes]) -> dict[str, bytes]:
    return {json.loads(text)["id"]: text for text in texts}


def logged(texts: list[bytes]) -> list[TransformedEvent]:
    return [TransformedEvent(Position("o", 7), "n", (Statement("i", "t", text),)) for text in texts]


@pytest.mark.parametrize("paths", compositions(), ids=named)
def test_composition_is_valid(vector, paths):
    ended = vector.run("validate", "--no-environment", *paths)

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("paths", compositions(), ids=named)
def test_components_of_a_composition_can_be_built(vector, paths):
    if {path.stem for path in paths} & {"docker", "kubernetes"}:
        pytest.skip("needs docker or a cluster")
    vector.settings |= {
        "LOG_REPLAY_LISTEN": f"127.0.0.1:{free_port()}",
        "LOG_REPLAY_AGGREGATOR_LISTEN": f"127.0.0.1:{free_port()}",
        "LOG_REPLAY_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
    }

    ended = vector.run("validate", "--skip-healthchecks", *paths)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_unit_tests_of_the_transform(vector):
    ended = vector.run("test", STDIN, TRANSFORMS, VECTOR / "tests" / "statements.yaml")

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_unit_tests_of_the_sinks(vector):
    sinks = [SINK[name] for name in ("lrs", "caliper", "clickhouse-tracking", "s3")]

    ended = vector.run("test", STDIN, TRANSFORMS, *sinks, VECTOR / "tests" / "sinks.yaml")

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("log_format", FORMATTERS)
def test_pipe_into_clickhouse(vector, clickhouse, log_format):
    into_clickhouse(vector, clickhouse)
    texts = [encoded(xapi({"n": number, "z": 0.10, "big": 2**70})) for number in range(5000)]
    long = encoded(xapi("x" * 1_000_000))
    written = [*lines([*texts, long], log_format), *GARBAGE, lines([encoded(caliper())], log_format, "caliper")[0]]

    vector.pipe(b"\n".join([*written, written[0], b""]), STDIN, TRANSFORMS, SINK["clickhouse"], DEAD_LETTER)

    assert stored(clickhouse, [*texts, long]) == by_id([*texts, long])
    # The decoder drops empty lines.
    reasons = sorted(json.loads(line)["reason"] for line in vector.dead_letter_lines())
    assert len(reasons) in (len(GARBAGE), len(GARBAGE) + 1)
    assert "kind_not_taken" in reasons


def test_pipe_into_an_lrs(vector, ralph):
    vector.settings |= {"LRS_ENDPOINT": f"{ralph.url}/statements", "LRS_USER": ralph.username}
    vector.secret("lrs_password", ralph.password)
    texts = [encoded(xapi(number)) for number in range(333)]

    vector.pipe(b"\n".join([*lines(texts, "json"), b""]), STDIN, TRANSFORMS, SINK["lrs"], DEAD_LETTER)

    found = ralph.stored({json.loads(text)["id"] for text in texts})
    assert len(found) == 333
    assert vector.dead_letter_lines() == []


def test_pipe_into_an_s3_archive(vector, s3):
    vector.settings |= {"S3_ENDPOINT": f"http://{s3.host}:{s3.port}", "S3_BUCKET": s3.container}
    vector.secret("s3_access_key", s3.key)
    vector.secret("s3_secret_key", s3.secret)
    texts = [encoded(xapi(number)) for number in range(100)]

    vector.pipe(b"\n".join([*lines(texts, "raw"), b""]), STDIN, TRANSFORMS, SINK["s3"], DEAD_LETTER)

    names = s3.names()
    assert all(name.startswith("xapi/2023/04/05/06/") and name.endswith(".log.zst") for name in names)
    rows = [json.loads(row) for name in names for row in zstd.decompress(s3.read(name)).splitlines()]
    assert {row["event_id"]: row["event"].encode() for row in rows} == by_id(texts)
    assert all(row.keys() == {"event_id", "emission_time", "event"} for row in rows)


def test_tracking_events_into_clickhouse(vector, clickhouse):
    into_clickhouse(vector, clickhouse)
    vector.settings["LOG_REPLAY_KINDS"] = "tracking"
    before = clickhouse.rows("SELECT count() AS n FROM openedx._tracking")[0]["n"]

    vector.pipe(TRACKING + b"\n", STDIN, TRANSFORMS, SINK["clickhouse-tracking"], DEAD_LETTER)

    assert clickhouse.rows("SELECT count() AS n FROM openedx._tracking")[0]["n"] == before + 1


def test_pipe_to_the_console(vector):
    text = encoded(xapi())

    shown = vector.pipe(b"\n".join([text, b"other", b""]), STDIN, TRANSFORMS, SINK["console"])

    events = [json.loads(line) for line in shown.splitlines()]
    assert sorted(event["kind"] for event in events) == ["dead_letter", "xapi"]
    assert text.decode() in [event.get("event") for event in events]


@pytest.mark.parametrize("source", ["socket", "unix"])
def test_socket_into_clickhouse(vector, clickhouse, source):
    into_clickhouse(vector, clickhouse)
    port = free_port()
    vector.settings["LOG_REPLAY_LISTEN"] = f"127.0.0.1:{port}"
    address = f"tcp://127.0.0.1:{port}" if source == "socket" else f"unix:{vector.folder}/s"
    texts = [encoded(xapi({"n": number, "text": "x" * 500})) for number in range(3000)]
    composition = (VECTOR / "sources" / f"{source}.yaml", TRANSFORMS, SINK["clickhouse"], DEAD_LETTER)

    with vector.running(*composition), statements_to(address, "json"):
        for start in range(0, 3000, 500):
            log_statements("xapi", logged(texts[start : start + 500]))
            assert flush_statements("xapi") == 0

    # Vector has ended, so everything that was flushed is stored.
    assert stored(clickhouse, texts) == by_id(texts)
    assert vector.dead_letter_lines() == []


def test_vector_restarted_within_a_run_loses_nothing(vector, clickhouse):
    into_clickhouse(vector, clickhouse)
    port = free_port()
    vector.settings["LOG_REPLAY_LISTEN"] = f"127.0.0.1:{port}"
    texts = [encoded(xapi({"n": number, "text": "x" * 500})) for number in range(2000)]
    composition = (VECTOR / "sources" / "socket.yaml", TRANSFORMS, SINK["clickhouse"], DEAD_LETTER)

    with statements_to(f"tcp://127.0.0.1:{port}", "json"):
        with vector.running(*composition):
            log_statements("xapi", logged(texts[:500]))
            assert flush_statements("xapi") == 0
            log_statements("xapi", logged(texts[500:1000]))
        with vector.running(*composition):
            log_statements("xapi", logged(texts[1000:]))
            assert flush_statements("xapi") == 0

    assert stored(clickhouse, texts) == by_id(texts)


def test_files_into_clickhouse(vector, clickhouse, tmp_path):
    into_clickhouse(vector, clickhouse)
    logs = tmp_path / "logs"
    logs.mkdir()
    vector.settings["LOG_REPLAY_FILES"] = f"{logs}/*.log*"
    texts = [encoded(xapi({"n": number, "text": "y" * 30_000})) for number in range(20)]
    whole = lines(texts, "aspects")
    cri = b"2026-11-21T09:12:13.123456789Z stdout %b %b\n"
    (logs / "own.log").write_bytes(b"\n".join([*whole[:10], b""]))
    (logs / "cri.log").write_bytes(
        b"".join(cri % (b"P", line[:16384]) + cri % (b"F", line[16384:]) for line in whole[10:])
    )

    with vector.running(VECTOR / "sources" / "file.yaml", TRANSFORMS, SINK["clickhouse"], DEAD_LETTER):
        eventually(by_id(texts), lambda: stored(clickhouse, texts))

    assert vector.dead_letter_lines() == []


def test_agent_and_aggregator_into_clickhouse(vector, clickhouse, tmp_path_factory):
    into_clickhouse(vector, clickhouse)
    address = f"127.0.0.1:{free_port()}"
    vector.settings["LOG_REPLAY_AGGREGATOR_LISTEN"] = address
    agent = Vector(vector.program, tmp_path_factory.mktemp("agent"), {"LOG_REPLAY_AGGREGATOR": address})
    texts = [encoded(xapi(number)) for number in range(500)]

    with vector.running(VECTOR / "sources" / "aggregator.yaml", TRANSFORMS, SINK["clickhouse"], DEAD_LETTER):
        agent.pipe(b"\n".join([*lines(texts, "aspects"), b""]), STDIN, VECTOR / "sources" / "agent.yaml")
        eventually(by_id(texts), lambda: stored(clickhouse, texts))


def test_metrics_count_removed_repeats(vector):
    port, metrics = free_port(), free_port()
    vector.settings |= {
        "LOG_REPLAY_LISTEN": f"127.0.0.1:{port}",
        "LOG_REPLAY_METRICS_LISTEN": f"127.0.0.1:{metrics}",
    }
    text = encoded(caliper())
    composition = (
        VECTOR / "sources" / "socket.yaml",
        TRANSFORMS,
        SINK["caliper"],
        DEAD_LETTER,
        VECTOR / "metrics.yaml",
    )

    def repeats():
        try:
            exposed = requests.get(f"http://127.0.0.1:{metrics}/metrics", timeout=5).text
        except requests.RequestException:
            return None
        counted = re.findall(
            r'vector_component_discarded_events_total\{[^}]*component_id="caliper_once"[^}]*\} ([\d.]+)', exposed
        )
        return [float(count) for count in counted]

    with vector.running(*composition), statements_to(f"tcp://127.0.0.1:{port}", "raw"):
        log_statements("caliper", logged([text] * 4))
        flush_statements("caliper")
        eventually([3.0], repeats)
