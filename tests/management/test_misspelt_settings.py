"""A misspelt key of a configuration is wrong usage, and the message names the nearest key."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from tests.support.paths import SAMPLE

SAMPLE_LOG = {"key": str(SAMPLE.parent), "container": SAMPLE.name}
LRS = {"url": "http://127.0.0.1:9/xAPI"}
MISSPELT = {
    "container": ("LOCAL", {"key": "/", "contaner": "logs"}, "LOGGER", {}, "the source has no option contaner"),
    "prefix": ("LOCAL", {**SAMPLE_LOG, "prefx": "t"}, "LOGGER", {}, "the LOCAL source has no option prefx"),
    "secret": (
        "S3",
        {"key": "k", "secrt": "hunter2", "container": "c"},
        "LOGGER",
        {},
        "S3 source has no option secrt",
    ),
    "destination": (
        "LOCAL",
        SAMPLE_LOG,
        "LOCAL",
        {"key": "/", "containr": "x"},
        "has no option containr",
    ),
    "username": ("LOCAL", SAMPLE_LOG, "LRS", {**LRS, "usernme": "u"}, "usernme"),
    "database": ("LOCAL", SAMPLE_LOG, "CLICKHOUSE", {"path": "x", "databse": "d"}, "databse"),
}


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("name", MISSPELT)
def test_misspelt_key_exits_with_2_and_names_the_nearest(name, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    provider, source, destination, config, said = MISSPELT[name]
    with pytest.raises(CommandError) as caught:
        call_command(
            "replay_tracking_logs", "--transformer_type", "xapi",
            "--source_provider", provider, "--source_config", json.dumps(source),
            "--destination_provider", destination, "--destination_config", json.dumps(config),
        )  # fmt: skip
    assert caught.value.returncode == 2
    assert said in str(caught.value)
    right = {"destination": "container"}.get(name, name)
    assert f"did you mean {right}?" in str(caught.value)
    assert "hunter2" not in str(caught.value) + capfd.readouterr().err
