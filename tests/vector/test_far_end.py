"""Real servers accept what each sink would send, and store it unchanged."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import datetime

import pytest
import requests

from tests.support.vector.emitted import caliper, encoded, lines, xapi
from tests.support.vector.engines import Topology
from tests.support.vector.far_clickhouse import encoded_row, insert
from tests.support.vector.shipped import SINKS, TRANSFORMS, composed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CONFIG = composed(TRANSFORMS, *SINKS)
#: Parsing and encoding this again would change it: integers over 64 bits, decimals, order of keys.
DIFFICULT = {"z": 0.10, "a": 2**70, "text": "\u2028\n\"'\\ {é}\x7f"}
TRACKING = '{"name": "page_close", "time": "2023-04-05T06:07:08.123456+00:00", "event": "{}"}'


@pytest.fixture
def outputs(vrl_python):
    """The events of every output for statements of every kind."""
    texts = [encoded(xapi(DIFFICULT)) for _ in range(120)]
    emitted = lines(texts, "json") + lines([encoded(caliper(DIFFICULT))], "raw", "caliper")
    emitted.append(
        b"2026-11-21 09:12:13,123 INFO 17 [tracking] [user 5] [ip 10.1.2.3] logger.py:41 - " + TRACKING.encode()
    )
    made = Topology(CONFIG, vrl_python).run("statements_read", [{"message": line.decode()} for line in emitted])
    return {"texts": texts, **made}


@pytest.mark.parametrize("by_parameters", [True, False], ids=["0.57", "0.54"])
@pytest.mark.parametrize("database", ["openedx", "xapi"])
def test_clickhouse_stores_statements(clickhouse, outputs, database, by_parameters):
    sink = composed(*SINKS, environment={"CLICKHOUSE_DATABASE": database})["sinks"]["clickhouse"]

    answer = insert(sink, clickhouse, outputs["statements_kind.xapi"], clickhouse.password, by_parameters=by_parameters)

    assert answer.ok, answer.text
    ids = [json.loads(text)["id"] for text in outputs["texts"]]
    rows = clickhouse.rows(f"SELECT * FROM {database}.xapi_events_all WHERE event_id IN {tuple(ids)}")
    assert {row["event_id"]: row["event"].encode() for row in rows} == dict(zip(ids, outputs["texts"], strict=True))
    assert {row["emission_time"] for row in rows} == {"2023-04-05 06:07:08.123456"}


def test_clickhouse_fills_the_columns_of_the_source(clickhouse, outputs):
    sink = composed(*SINKS, environment={"CLICKHOUSE_TABLE": "traced"})["sinks"]["clickhouse"]

    insert(sink, clickhouse, outputs["statements_kind.xapi"][:1], clickhouse.password)

    (row,) = clickhouse.rows("SELECT event_name, source_object, source_offset FROM openedx.traced")
    assert row == {"event_name": "a.b", "source_object": "a.b", "source_offset": 7}


def test_clickhouse_stores_tracking_events(clickhouse, outputs):
    sink = CONFIG["sinks"]["clickhouse_tracking"]
    (event,) = outputs["tracking_rows"]
    # Vector writes a timestamp as seconds with `timestamp_format: unix`. The engine here returns it as text.
    assert sink["encoding"] == {"timestamp_format": "unix"}
    seconds = int(datetime.fromisoformat(event["time"].replace(" UTC", "+00:00")).timestamp())

    answer = insert(sink, clickhouse, [{**event, "time": seconds}], clickhouse.password)

    assert answer.ok, answer.text
    (row,) = clickhouse.rows("SELECT toUnixTimestamp(time) AS time, message FROM openedx._tracking")
    assert row == {"time": seconds, "message": TRACKING}


def test_lrs_stores_batches(ralph, outputs):
    sink = CONFIG["sinks"]["lrs"]
    assert (sink["encoding"], sink["framing"], sink["batch"]) == (
        {"codec": "text"},
        {"method": "bytes"},
        {"max_events": 1},
    )
    bodies = [event["message"].encode() for event in outputs["lrs_requests"]]

    answers = [
        requests.post(
            f"{ralph.url}/statements",
            data=body,
            headers=sink["request"]["headers"],
            auth=(ralph.username, ralph.password),
            timeout=60,
        )
        for body in bodies
    ]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert b"[" + b",".join(outputs["texts"][:50]) + b"]" == bodies[0]
    ids = {json.loads(text)["id"] for text in outputs["texts"]}
    assert len(ralph.stored(ids)) == 120


def test_caliper_endpoint_gets_envelopes_unchanged(outputs):
    (request,) = outputs["caliper_envelopes"]
    (envelope,) = outputs["caliper_once"]

    assert request["message"] == envelope["event"]


def test_aspects_backfill_loads_the_archive(clickhouse, s3, outputs):
    sink = CONFIG["sinks"]["s3"]
    assert (sink["framing"], sink["compression"]) == ({"method": "newline_delimited"}, "zstd")
    for event in outputs["s3_once"]:
        moment = datetime.fromisoformat(event["timestamp"].replace(" UTC", "+00:00"))
        name = f"{moment:{sink['key_prefix']}}{int(moment.timestamp())}-{uuid.uuid4()}.{sink['filename_extension']}"
        body = zstd.compress((encoded_row(event, sink["encoding"]) + "\n").encode())
        requests.put(f"{s3.url}/{name}", data=body, timeout=30).raise_for_status()

    # The query of `tutor ... do xapi-block-storage-backfill --path`.
    rows = clickhouse.rows(
        "SELECT toUUID(event_id) AS event_id, parseDateTime64BestEffort(emission_time, 6, 'UTC') AS time, event "
        f"FROM s3('{s3.url}/xapi/2023/04/05/06/*.log.zst', '{s3.key}', '{s3.secret}', "
        "'JSONEachRow', 'event_id String, emission_time String, event String', 'zstd')"
    )

    assert sorted(row["event"].encode() for row in rows) == sorted(outputs["texts"])
    assert {row["time"] for row in rows} == {"2023-04-05 06:07:08.123456"}
