"""Files of rows, as ClickHouse and Aspects load them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from log_replay.clickhouse.clients import connect
from log_replay.errors import ConfigurationError
from log_replay.sinks import open_sink
from log_replay.storage.zstd import zstd
from tests.support.clickhouse_tables import KEY, RALPH_TABLE, microseconds
from tests.support.runs import options
from tests.support.statement_batches import caliper, event, texts, xapi

__all__ = ["options"]

#: The SQL of Aspects 6.1's ``xapi-block-storage-backfill.sh``, with its variables in Python's format.
BACKFILL = """INSERT INTO xapi.xapi_events_all
SELECT event_id, parseDateTime64BestEffort(emission_time), event
FROM s3('{path}', '{access_key}', '{secret_key}', 'JSONEachRow', 'event_id String, emission_time String, event String',
'zstd')"""


@pytest.fixture
def archive(s3):
    """The archive in a bucket, with a statement every six hours in two months."""
    begin = datetime.fromisoformat("2026-02-20T00:30:00.123456+00:00")
    batch = [event(xapi(time=(begin + timedelta(hours=6 * n)).isoformat()), offset=n) for n in range(60)]
    sink = open_sink("MINIO", {**s3.config, "layout": "aspects"}, transformer_type="xapi", key=KEY)
    sink.check()
    for part in (batch[:25], batch[25:]):
        sink.deliver(part)
    sink.close(complete=True)
    return s3, batch


def backfill(clickhouse, s3, path):
    clickhouse.query("CREATE DATABASE xapi")
    clickhouse.query(RALPH_TABLE)
    url = f"http://{s3.host}:{s3.port}/{s3.container}/{path}"
    clickhouse.query(BACKFILL.format(path=url, access_key=s3.key, secret_key=s3.secret))
    client = connect(clickhouse.config)
    try:
        return client.query(
            "SELECT toUnixTimestamp64Micro(emission_time), event FROM xapi.xapi_events_all ORDER BY ALL"
        ).result_rows
    finally:
        client.close()


@pytest.mark.parametrize(
    ("path", "period"),
    [
        ("xapi/*/*/*/*/*.log.zst", "2026"),
        ("xapi/2026/03/*/*/*.log.zst", "2026-03"),
        ("xapi/2026/03/01/*/*.log.zst", "2026-03-01"),
        ("xapi/2026/03/01/12/*.log.zst", "2026-03-01T12"),
    ],
)
def test_sql_of_aspects_loads_exactly_the_chosen_period(clickhouse, archive, path, period):
    s3, batch = archive
    statements = [each.statements[0] for each in batch]
    wanted = [statement for statement in statements if statement.timestamp.startswith(period)]
    loaded = backfill(clickhouse, s3, path)
    assert wanted
    assert [text.encode() for _, text in loaded] == [statement.text for statement in wanted]
    # The file contains microseconds. parseDateTime64BestEffort in the SQL of Aspects keeps only milliseconds.
    assert [moment for moment, _ in loaded] == [microseconds(each.timestamp) // 1000 * 1000 for each in wanted]


def test_names_are_unique_and_repeatable(archive):
    s3, batch = archive
    before = {name: s3.read(name) for name in s3.names()}
    sink = open_sink("MINIO", {**s3.config, "layout": "aspects"}, transformer_type="xapi", key=KEY)
    for part in (batch[:25], batch[25:]):
        sink.deliver(part)
    assert {name: s3.read(name) for name in s3.names()} == before
    assert len(before) == 61  # and the manifest
    manifest = json.loads(before["manifest.json"])
    assert {output["name"] for output in manifest["runs"][0]["outputs"]} == set(before) - {"manifest.json"}


def local(tmp_path, **more):
    (tmp_path / "out").mkdir(exist_ok=True)
    return {"key": str(tmp_path), "container": "out", **more}


def test_row_contains_id_time_and_text_of_a_statement(tmp_path):
    statement = caliper()
    sink = open_sink("LOCAL", local(tmp_path, format="rows"), transformer_type="caliper", key=KEY)
    sink.deliver([event(statement)])
    (file,) = (tmp_path / "out").iterdir()
    assert json.loads(file.read_text()) == {
        "event_id": statement.id.removeprefix("urn:uuid:"),
        "emission_time": "2026-03-02T08:15:27.913000Z",
        "event": statement.text.decode(),
    }


def test_statement_without_a_valid_time_fails_alone(tmp_path):
    batch = [event(xapi(), xapi()._replace(timestamp="soon"), offset=5), event(xapi())]
    sink = open_sink("LOCAL", local(tmp_path, layout="aspects"), transformer_type="xapi", key=KEY)
    delivery = sink.deliver(batch)
    assert delivery[:4] == (2, 0, 0, 1)
    assert delivery.outcomes == ["delivered", "failed", "delivered"]
    assert [refusal.position.offset for refusal in delivery.refusals] == [5]
    (file,) = (tmp_path / "out" / "xapi/2026/03/02/08").iterdir()
    rows = [json.loads(line)["event"].encode() for line in zstd.decompress(file.read_bytes()).splitlines()]
    assert rows == [texts(batch)[0], texts(batch)[2]]


def test_resumed_run_continues_with_new_names(tmp_path):
    batches = [
        [event(xapi(time=f"2026-03-02T0{hour}:00:00Z"), offset=start + hour) for hour in range(3)]
        for start in (0, 1000)
    ]
    sink = open_sink("LOCAL", local(tmp_path, layout="aspects"), transformer_type="xapi", key=KEY)
    acknowledgement = sink.deliver(batches[0]).acknowledgement
    sink.close(complete=False)
    resumed = open_sink("LOCAL", local(tmp_path, layout="aspects"), transformer_type="xapi", key=KEY)
    resumed.resume_from([json.loads(json.dumps(acknowledgement))])
    resumed.deliver(batches[1])
    resumed.close(complete=True)
    assert len(list((tmp_path / "out").rglob("*.zst"))) == 6
    (run,) = json.loads((tmp_path / "out" / "manifest.json").read_text())["runs"]
    assert sum(output["statements"] for output in run["outputs"]) == 6


@pytest.mark.parametrize("wrong", [
    {"format": "parquet"}, {"layout": "monthly"}, {"layout": "aspects", "compression": "gzip"},
    {"layout": "aspects", "format": "statements"},
])  # fmt: skip
def test_options_that_exclude_each_other_are_refused(tmp_path, wrong):
    with pytest.raises(ConfigurationError):
        open_sink("LOCAL", local(tmp_path, **wrong), transformer_type="xapi", key=KEY)


WITHOUT_EFFECT = [
    ["--format", "rows", "--destination_provider", "LOGGER"],
    ["--format", "rows", "--destination_provider", "LRS"],
    ["--layout", "aspects", "--destination_provider", "CLICKHOUSE"],
    ["--create_tables", "--destination_provider", "LOCAL"],
    ["--lrs_concurrency", "2", "--destination_provider", "LOCAL"],
    ["--max_rate", "100", "--destination_provider", "CLICKHOUSE"],
]


@pytest.mark.parametrize("arguments", WITHOUT_EFFECT)
def test_options_without_effect_on_destination_are_refused(options, arguments):
    with pytest.raises(ConfigurationError, match="applies only to"):
        options(["--transformer_type", "xapi", "--source_provider", "STDIN", *arguments])


def test_runs_with_other_layouts_have_other_names(options):
    arguments = ["--transformer_type", "xapi", "--source_provider", "STDIN", "--destination_provider", "LOCAL"]
    more = [[], ["--format", "rows"], ["--layout", "aspects"], ["--only_missing"]]
    assert len({options([*arguments, *each]).key for each in more}) == len(more)
