"""The contract of all sinks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from log_replay.clickhouse.clients import connect
from log_replay.clickhouse.tables import create_table, statement_table
from log_replay.sinks import open_sink
from tests.support.statement_batches import texts

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "0123456789ab"


@dataclass
class Destination:
    provider: str
    config: dict[str, Any]
    stored: Callable[[], list[dict[str, Any]]]
    everything: Callable[[], list[Any]]

    def open(self):
        return open_sink(self.provider, self.config, transformer_type="xapi", key=KEY)


def _lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def local(tmp_path):
    (tmp_path / "out").mkdir()
    config = {"key": str(tmp_path), "container": "out", "prefix": "/2026/"}

    out = tmp_path / "out"

    def stored():
        return [line for path in sorted(out.glob("2026/*.log")) for line in _lines(path.read_bytes())]

    return Destination("LOCAL", config, stored, lambda: list(out.rglob("*")))


def _bucket(provider, s3, **more):
    def stored():
        names = [name for name in s3.names() if name.endswith(".log")]
        return [line for name in names for line in _lines(s3.read(name))]

    return Destination(provider, {**s3.config, "prefix": "a", **more}, stored, s3.names)


@pytest.fixture
def minio_bucket(s3):
    return _bucket("MINIO", s3)


@pytest.fixture
def s3_bucket(s3):
    return _bucket("S3", s3, region="us-east-1")


def _lrs(lrs):
    before = {statement["id"] for statement in lrs.statements()}

    def stored():
        return [statement for statement in lrs.statements() if statement["id"] not in before]

    return Destination("LRS", lrs.config, stored, stored)


@pytest.fixture
def ralph_lrs(ralph):
    return _lrs(ralph)


@pytest.fixture
def learning_locker_lrs(learning_locker):
    return _lrs(learning_locker)


@pytest.fixture
def embedded_clickhouse(tmp_path):
    config = {"path": str(tmp_path / "clickhouse")}
    with connect(config) as client:
        create_table(client, statement_table(config, "xapi"))

    def stored():
        with connect(config) as client:
            rows = client.query("SELECT event FROM openedx.xapi_events_all FINAL").result_rows
        return [json.loads(text) for (text,) in rows]

    return Destination("CLICKHOUSE", config, stored, stored)


@pytest.fixture(
    params=["embedded_clickhouse", "local", "minio_bucket", "s3_bucket", "ralph_lrs", "learning_locker_lrs"]
)
def destination(request):
    return request.getfixturevalue(request.param)


def _by_id(statements):
    # An LRS adds fields (stored, authority ...): only the fields that were sent are compared.
    return {statement["id"]: statement for statement in statements}


def test_sink_stores_the_statements_that_it_counts(destination, batches):
    sink = destination.open()
    sink.check()
    deliveries = [sink.deliver(batch) for batch in batches]
    sink.close(complete=True)
    sent = _by_id(json.loads(text) for batch in batches for text in texts(batch))
    stored = destination.stored()
    assert sum(delivery.delivered for delivery in deliveries) == len(sent) == len(stored)
    assert {
        statement_id: {name: statement[name] for name in sent[statement_id]}
        for statement_id, statement in _by_id(stored).items()
    } == sent


def test_delivery_counts_statements(destination, batches):
    sink = destination.open()
    assert [sink.deliver(batch)[:4] for batch in batches] == [(3, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0)]
    sink.close(complete=True)


def test_repeated_run_stores_nothing_new(destination, batches):
    for _ in range(2):
        sink = destination.open()
        sink.check()
        for batch in batches:
            sink.deliver(batch)
        sink.close(complete=True)
    assert len(destination.stored()) == 4


def test_check_leaves_nothing_at_the_destination(destination):
    sink = destination.open()
    sink.check()
    sink.close(complete=False)
    assert destination.everything() == []


def test_sink_without_filters_accepts_every_event(destination):
    sink = destination.open()
    assert sink.routing is None or sink.routing.matcher() is None
    sink.close(complete=False)


def test_folder_and_bucket_contain_the_same_bytes(local, minio_bucket, batches):
    stored = []
    for destination in (local, minio_bucket):
        sink = destination.open()
        for batch in batches:
            sink.deliver(batch)
        sink.close(complete=True)
        stored.append(destination.stored())
    assert stored[0] == stored[1]
