"""The events of the logs themselves, stored in the table ``_tracking``."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime

import pytest

from log_replay.clickhouse.clients import connect
from log_replay.errors import ConfigurationError
from tests.support.runs import logs, options, replay, source

__all__ = ["logs", "options", "replay", "source"]

INTO = ["--destination_provider", "CLICKHOUSE", "--create_tables", "--tracking"]


def stored(config=None):
    client = connect(config or {})
    rows = client.query("SELECT toUnixTimestamp(time), message FROM openedx._tracking ORDER BY ALL").result_rows
    client.close()
    return rows


def written(log):
    """Yield the text of each event of a log that has a time."""
    for line in log.splitlines():
        text = line[line.find(b"{") :].rstrip()
        with suppress(ValueError, KeyError, TypeError):
            event = json.loads(text)
            datetime.fromisoformat(event["time"])
            if "event" in event:
                yield text.decode()


def test_all_events_of_the_log_are_stored_unchanged(replay, source, sample_log):
    """Events that give no statement are stored, too."""
    report = replay(*source, *INTO)
    messages = sorted(message for _, message in stored())
    assert messages == sorted(written(sample_log))
    assert len(messages) > report.total.known


def test_repeated_run_stores_no_event_twice(replay, source):
    for _ in range(2):
        replay(*source, *INTO)
    assert len(set(stored())) == len(stored())


def test_only_events_of_the_period_are_stored(replay, source):
    replay(*source, *INTO, "--since", "2026-03-04", "--until", "2026-03-05", "--event", "problem_check")
    assert {moment // 86400 for moment, _ in stored()} == {1772582400 // 86400}


def test_lost_response_of_a_server_duplicates_no_event(replay, source, clickhouse):
    config = ["--destination_config", json.dumps(clickhouse.config)]
    clickhouse.inject(
        {"query": r"INSERT INTO `openedx`.`_tracking`"},
        {"query": r"INSERT INTO `openedx`.`_tracking`", "reset": True, "after": True},
    )
    report = replay(*source, *INTO, *config)
    assert report.complete
    ((count,),) = clickhouse.query("SELECT count() FROM openedx._tracking")
    assert int(count) == len(set(stored(clickhouse.config)))


def test_dry_run_stores_no_event(replay, source, home):
    replay(*source, *INTO, "--dry_run", "--log_to", "null")
    assert not (home / "clickhouse").exists()


def test_tracking_requires_a_clickhouse_destination(options, source):
    with pytest.raises(ConfigurationError, match="CLICKHOUSE"):
        options(["--transformer_type", "xapi", *source, "--tracking", "--destination_provider", "LOGGER"])
