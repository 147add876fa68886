"""The logs' own events, stored beside the statements."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime

import pytest

from log_replay.clickhouse import connect
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
    """Yield the text of each event with a time that a log holds."""
    for line in log.splitlines():
        text = line[line.find(b"{") :].rstrip()
        with suppress(ValueError, KeyError, TypeError):
            event = json.loads(text)
            datetime.fromisoformat(event["time"])
            if "event" in event:
                yield text.decode()


def test_every_event_of_the_log_is_stored_as_it_stands(replay, source, sample_log):
    """Those too that nothing is made of."""
    report = replay(*source, *INTO)
    messages = sorted(message for _, message in stored())
    assert messages == sorted(written(sample_log))
    assert len(messages) > report.total.known


def test_a_repeat_stores_nothing_twice(replay, source):
    for _ in range(2):
        replay(*source, *INTO)
    assert len(set(stored())) == len(stored())


def test_only_the_period_is_stored(replay, source):
    replay(*source, *INTO, "--since", "2026-03-04", "--until", "2026-03-05", "--event", "problem_check")
    assert {moment // 86400 for moment, _ in stored()} == {1772582400 // 86400}


def test_a_server_holds_them_too_even_after_a_lost_answer(replay, source, clickhouse):
    config = ["--destination_config", json.dumps(clickhouse.config)]
    clickhouse.inject(
        {"query": r"INSERT INTO `openedx`.`_tracking`"},
        {"query": r"INSERT INTO `openedx`.`_tracking`", "reset": True, "after": True},
    )
    report = replay(*source, *INTO, *config)
    assert report.complete
    ((count,),) = clickhouse.query("SELECT count() FROM openedx._tracking")
    assert int(count) == len(set(stored(clickhouse.config)))


def test_a_dry_run_stores_none(replay, source, home):
    replay(*source, *INTO, "--dry_run", "--log_to", "null")
    assert not (home / "clickhouse").exists()


def test_it_needs_clickhouse(options, source):
    with pytest.raises(ConfigurationError, match="CLICKHOUSE"):
        options(["--transformer_type", "xapi", *source, "--tracking", "--destination_provider", "LOGGER"])
