"""The settings that each worker receives."""

from __future__ import annotations

import json
import pickle

from log_replay.pipeline.transform_settings import transform_settings
from log_replay.sinks.routing import RouteTable
from tests.support.runs import parsed

SECRET = "s3cret-passphrase"


def test_worker_settings_hold_no_secret_and_no_transformer(db):
    source = {"container": "logs", "key": SECRET, "secret": SECRET}
    destination = {"url": "https://lrs.example.com/xAPI", "username": "ada", "password": SECRET}
    arguments = [
        "--transformer_type", "xapi", "--source_provider", "S3", "--source_config", json.dumps(source),
        "--destination_config", json.dumps(destination), "--user", "ada",
    ]  # fmt: skip
    routing = RouteTable({"https://lrs.example.com/xAPI": {"name": "problem_check"}})
    settings = transform_settings(parsed(arguments), routing)
    assert settings.transformer.names
    pickled = pickle.dumps(settings)
    assert SECRET.encode() not in pickled
    assert len(pickled) < 10_000
    assert pickle.loads(pickled) == settings
    assert pickle.loads(pickled).routing == routing
