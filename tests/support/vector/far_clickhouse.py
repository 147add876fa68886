"""The tables of Aspects, and the INSERT requests of Vector's clickhouse sink."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests

if TYPE_CHECKING:
    from tests.support.clickhouse_servers import ClickHouse


# The tables of Aspects' migrations, and one with the optional columns.
SCHEMA = (
    "CREATE DATABASE openedx",
    "CREATE DATABASE xapi",
    """CREATE TABLE openedx.xapi_events_all (event_id UUID, emission_time DateTime64(6), event String)
    ENGINE = ReplacingMergeTree ORDER BY (emission_time, event_id)""",
    """CREATE TABLE xapi.xapi_events_all (event_id UUID, emission_time DateTime64(6), event String)
    ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(emission_time) ORDER BY (emission_time, event_id)""",
    "CREATE TABLE openedx._tracking (time DateTime, message String) ENGINE = MergeTree ORDER BY time",
    """CREATE TABLE openedx.traced (event_id UUID, emission_time DateTime64(6), event String, event_name String,
    source_object String, source_offset UInt64) ENGINE = ReplacingMergeTree ORDER BY (emission_time, event_id)""",
)


def encoded_row(event: dict[str, Any], encoding: dict[str, Any]) -> str:
    """Encode an event as a sink's JSON codec does: sorted keys, without the excluded fields."""
    only, without = encoding.get("only_fields"), encoding.get("except_fields", [])
    kept = {key: value for key, value in event.items() if (only is None or key in only) and key not in without}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def insert(
    sink: dict[str, Any],
    server: ClickHouse,
    events: list[dict[str, Any]],
    password: str,
    *,
    by_parameters: bool = True,
) -> requests.Response:
    """Post events as Vector's clickhouse sink does (src/sinks/clickhouse/service.rs).

    Args:
        by_parameters: names the table in parameters of the request, as Vector 0.57 does; 0.54 puts it into the query.
    """
    parameters = {"input_format_import_nested_json": 1}
    if "skip_unknown_fields" in sink:
        parameters["input_format_skip_unknown_fields"] = int(sink["skip_unknown_fields"])
    if sink.get("date_time_best_effort"):
        parameters["date_time_input_format"] = "best_effort"
    assert sink["format"] == "json_each_row"
    if by_parameters:
        parameters["query"] = "INSERT INTO {database:Identifier}.{table:Identifier} FORMAT JSONEachRow"
        parameters |= {"param_database": sink["database"], "param_table": sink["table"]}
    else:
        parameters["query"] = f'INSERT INTO "{sink["database"]}"."{sink["table"]}" FORMAT JSONEachRow'
    body = "".join(encoded_row(event, sink["encoding"]) + "\n" for event in events)
    assert sink["compression"] == "gzip"
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    return requests.post(
        f"{server.url}/?{urlencode(parameters)}",
        data=gzip.compress(body.encode()),
        headers=headers,
        auth=(sink["auth"]["user"], password),
        timeout=60,
    )
