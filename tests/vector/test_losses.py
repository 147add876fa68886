"""The losses that a real Vector has caused do not occur with the files in ``vector/``.

With a Vector (on PATH or in LOG_REPLAY_VECTOR) these tests run with it, and with a stand-in that has the same defects.
The tests named ``test_stand_in_...`` show that each of them finds the loss.
"""

from __future__ import annotations

import json
import socket
import uuid
from typing import TYPE_CHECKING

import pytest

from log_replay.records import Position, Statement, TransformedEvent
from log_replay.statement_log import flush_statements, log_statements, statements_to
from tests.support.servers import free_port
from tests.support.vector.emitted import encoded, lines, xapi
from tests.support.vector.running_vector import BINARY, STAND_IN, Vector, eventually
from tests.support.vector.shipped import DEAD_LETTER, TRANSFORMS, VECTOR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.clickhouse_servers import ClickHouse

SOURCES, CLICKHOUSE = VECTOR / "sources", VECTOR / "sinks" / "clickhouse.yaml"
STORED = (TRANSFORMS, CLICKHOUSE, DEAD_LETTER)
PROGRAMS = [pytest.param(STAND_IN, id="stand-in"), *([pytest.param((BINARY,), id="vector")] if BINARY else [])]
#: More than 20,000, and not a multiple of the 1,000 lines in which Vector's sources send.
MANY = 20_799


@pytest.fixture(params=PROGRAMS)
def vector(request, tmp_path, clickhouse):
    """A Vector, or its stand-in, that stores in ClickHouse."""
    return set_up(request.param, tmp_path, clickhouse)


@pytest.fixture
def stand_in(tmp_path, clickhouse):
    return set_up(STAND_IN, tmp_path, clickhouse)


def set_up(program: tuple[str, ...], folder: Path, clickhouse: ClickHouse) -> Vector:
    clickhouse.inject()
    table = f"t{uuid.uuid4().hex}"
    vector = Vector(program, folder, {"CLICKHOUSE_ENDPOINT": clickhouse.url, "LOG_REPLAY_KINDS": "xapi"})
    vector.settings |= {"CLICKHOUSE_TABLE": table, "LOG_REPLAY_LISTEN": f"127.0.0.1:{free_port()}"}
    vector.settings["LOG_REPLAY_FILES"] = f"{folder}/logs/*.log*"
    vector.secret("clickhouse_password", clickhouse.password)
    create_table(vector, clickhouse)
    return vector


def create_table(vector: Vector, clickhouse: ClickHouse) -> None:
    clickhouse.query(f"CREATE TABLE {table_of(vector)} AS openedx.xapi_events_all")


def table_of(vector: Vector) -> str:
    return f"openedx.{vector.settings['CLICKHOUSE_TABLE']}"


def stored(vector: Vector, clickhouse: ClickHouse) -> list[bytes]:
    rows = clickhouse.rows(f"SELECT event FROM {table_of(vector)} FINAL ORDER BY event")
    return [row["event"].encode() for row in rows]


def statements(count: int, text: str = "") -> list[bytes]:
    return sorted(encoded(xapi({"n": f"{number:05}", "text": text})) for number in range(count))


def content(texts: list[bytes], log_format: str = "json") -> bytes:
    return b"".join(line + b"\n" for line in lines(texts, log_format))


# 1. A long pipe into a slow sink


def pipe_into_a_slow_sink(vector: Vector, clickhouse: ClickHouse, count: int) -> tuple[list[bytes], list[bytes]]:
    texts = statements(count)
    clickhouse.inject(*({"query": "INSERT", "delay_seconds": 0.2} for _ in range(100)))
    vector.pipe(content(texts, "raw"), SOURCES / "stdin.yaml", *STORED)
    clickhouse.inject()
    return texts, stored(vector, clickhouse)


def test_a_long_pipe_into_a_slow_sink_loses_nothing(vector, clickhouse):
    texts, found = pipe_into_a_slow_sink(vector, clickhouse, MANY)

    assert found == texts


def test_stand_in_without_a_shutdown_limit_loses_the_last_lines(stand_in, clickhouse):
    stand_in.shutdown = ("--no-graceful" + "-shutdown-limit",)

    texts, found = pipe_into_a_slow_sink(stand_in, clickhouse, 4_799)

    assert len(texts) - len(found) == 799


# 2. The same statements twice into one Vector


def send(vector: Vector, texts: list[bytes]) -> None:
    host, _, port = vector.settings["LOG_REPLAY_LISTEN"].partition(":")
    wait_until(lambda: listens(host, int(port)))
    with statements_to(f"tcp://{host}:{port}", "json"):
        log_statements(
            "xapi", [TransformedEvent(Position("o", 7), "n", (Statement("i", "t", text),)) for text in texts]
        )
        assert flush_statements("xapi") == 0


def listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], bool]) -> None:
    eventually(expected=True, found=condition)


def send_twice(vector: Vector, clickhouse: ClickHouse, *paths: Path) -> tuple[list[bytes], list[bytes]]:
    """Send statements while their table is missing, create the table, and send them again."""
    texts = statements(500)
    clickhouse.query(f"DROP TABLE {table_of(vector)}")
    with vector.running(*paths):
        send(vector, texts)
        wait_until(lambda: b"ERROR" in vector.log.read_bytes())
        create_table(vector, clickhouse)
        send(vector, texts)
    return texts, stored(vector, clickhouse)


def test_statements_sent_again_to_a_running_vector_arrive(vector, clickhouse):
    texts, found = send_twice(vector, clickhouse, SOURCES / "socket.yaml", *STORED)

    assert found == texts


def test_stand_in_with_dedupe_swallows_statements_sent_again(stand_in, clickhouse, tmp_path):
    changed = tmp_path / "clickhouse.yaml"
    changed.write_text(
        CLICKHOUSE.read_text().replace("inputs: [statements_kind.xapi]", "inputs: [once]")
        + "\ntransforms:\n  once:\n    type: dedupe\n    inputs: [statements_kind.xapi]\n"
        "    fields: {match: [event_id]}\n    cache: {num_events: 100000}\n"
    )

    _, found = send_twice(stand_in, clickhouse, SOURCES / "socket.yaml", TRANSFORMS, changed, DEAD_LETTER)

    assert found == []


# 3. A new file with the inode of an old one


def reuse_an_inode(vector: Vector, clickhouse: ClickHouse, source: Path) -> tuple[list[bytes], list[bytes]]:
    """Read a file, stop, and read a longer file with another name and the same inode."""
    texts = statements(1200)
    first, second = texts[:500], texts[500:]
    logs = vector.folder / "logs"
    logs.mkdir()
    path = logs / "a.log"
    path.write_bytes(content(first))
    with vector.running(source, *STORED):
        eventually(first, lambda: stored(vector, clickhouse))
    path.write_bytes(content(second))
    path.rename(logs / "b.log")
    with vector.running(source, *STORED):
        # The end of the second file arrives with both fingerprints.
        wait_until(lambda: second[-1] in stored(vector, clickhouse))
    return texts, stored(vector, clickhouse)


def test_a_new_file_with_an_old_inode_is_read_whole(vector, clickhouse):
    texts, found = reuse_an_inode(vector, clickhouse, SOURCES / "file.yaml")

    assert found == texts


def test_stand_in_with_device_and_inode_skips_the_beginning(stand_in, clickhouse, tmp_path):
    changed = tmp_path / "file.yaml"
    shipped = (SOURCES / "file.yaml").read_text()
    changed.write_text(shipped.replace("strategy: checksum\n      lines: 1\n", "strategy: device_and_inode\n"))
    assert changed.read_text() != shipped

    texts, found = reuse_an_inode(stand_in, clickhouse, changed)

    assert len(texts) - len(found) == 500


def test_files_of_two_replays_of_one_log_are_both_read(vector, clickhouse):
    """In the formats with the time of writing, no two files begin alike."""
    texts = statements(20)
    logs = vector.folder / "logs"
    logs.mkdir()
    (logs / "a.log").write_bytes(content(texts[:10]))
    (logs / "b.log").write_bytes(content([texts[0], *texts[10:]]))

    with vector.running(SOURCES / "file.yaml", *STORED):
        eventually(texts, lambda: stored(vector, clickhouse))


# 4. A multi-byte character that a CRI runtime split


def split_characters(vector: Vector, clickhouse: ClickHouse, *paths: Path) -> tuple[list[bytes], list[bytes]]:
    texts = statements(20, text="é" * 40)
    cri = b"2026-11-21T09:12:13.123456789Z stdout %b %b\n"
    written = []
    for number, line in enumerate(lines(texts, "json")):
        # Every second line is split within a character, the others between two.
        at = line.index("é".encode()) + 20 + number % 2
        written.append(cri % (b"P", line[:at]) + cri % (b"F", line[at:]))
    logs = vector.folder / "logs"
    logs.mkdir()
    (logs / "cri.log").write_bytes(b"".join(written))
    with vector.running(*paths):
        eventually(20, lambda: len(stored(vector, clickhouse)) + len(vector.dead_letter_lines()))
    return texts, stored(vector, clickhouse)


def test_split_characters_go_to_the_dead_letter(vector, clickhouse):
    texts, found = split_characters(vector, clickhouse, SOURCES / "file.yaml", *STORED)

    assert found == texts[::2]
    reasons = [json.loads(line)["reason"] for line in vector.dead_letter_lines()]
    assert reasons == ["broken_character"] * 10


def test_stand_in_without_the_check_stores_damaged_statements(stand_in, clickhouse, tmp_path):
    changed = tmp_path / "statements.yaml"
    changed.write_text(TRANSFORMS.read_text().replace('reason = "broken_character"', 'reason = ""'))

    _, found = split_characters(stand_in, clickhouse, SOURCES / "file.yaml", changed, CLICKHOUSE, DEAD_LETTER)

    assert sum("\ufffd".encode() in text for text in found) == 10


# 5. A table or a password that ClickHouse refuses


def test_a_missing_table_loses_everything_with_exit_code_0(vector, clickhouse):
    """Vector cannot notice this, so the recipe ends with a check of the table."""
    clickhouse.query(f"DROP TABLE {table_of(vector)}")
    vector.settings["VECTOR_REQUIRE_HEALTHY"] = "true"

    ended = vector.piped(content(statements(10)), SOURCES / "stdin.yaml", *STORED)

    assert ended.returncode == 0
    assert b"ERROR" in ended.stdout + ended.stderr
    create_table(vector, clickhouse)
    assert stored(vector, clickhouse) == []


def test_a_wrong_password_stops_vector_at_its_start(vector, clickhouse):
    vector.secret("clickhouse_password", "wrong")
    vector.settings["VECTOR_REQUIRE_HEALTHY"] = "true"

    ended = vector.piped(content(statements(10)), SOURCES / "stdin.yaml", *STORED)

    assert ended.returncode == 78
    assert stored(vector, clickhouse) == []
