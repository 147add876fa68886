"""Relative paths on a command line."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from log_replay.ledger.run_configuration import stored_command
from log_replay.options import read_options
from tests.support.ledger_runs import interrupted, into_files, logs, replay, source

__all__ = ["interrupted", "into_files", "logs", "replay", "source"]

RELATIVE = {"key": ".", "container": "logs"}


def options_of(**given):
    required = {"source_provider": "LOCAL", "transformer_type": "xapi", "source_config": json.dumps(RELATIVE)}
    return read_options(
        {**required, "destination_provider": "LOCAL", "destination_config": '{"container": "out"}', **given}
    )


@pytest.fixture
def sites(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "logs").mkdir(parents=True)
    return tmp_path / "one", tmp_path / "two"


def test_relative_and_absolute_key_give_the_same_output_key(sites, monkeypatch):
    monkeypatch.chdir(sites[0])
    absolute = json.dumps({**RELATIVE, "key": str(sites[0])})
    assert options_of().key == options_of(source_config=absolute).key


def test_same_relative_key_in_two_folders_gives_two_output_keys(sites, monkeypatch):
    keys = set()
    for site in sites:
        monkeypatch.chdir(site)
        keys.add(options_of().key)
    assert len(keys) == 2


def test_key_from_the_environment_is_resolved(sites, monkeypatch):
    monkeypatch.chdir(sites[0])
    monkeypatch.setenv("LOGS", "there")
    options = options_of(source_config='{"key": "${LOGS}", "container": "logs"}')
    assert options.source.config["key"] == str(sites[0] / "there")
    assert json.loads(stored_command(options.given)["source_config"])["key"] == "${LOGS}"


def test_stored_command_has_absolute_paths(sites, monkeypatch):
    monkeypatch.chdir(sites[0])
    (sites[0] / "config.json").write_text(json.dumps(RELATIVE))
    (sites[0] / "config.json").chmod(0o600)
    (sites[0] / "old").write_text('{"object": "tracking.log", "offset": 0}\n')
    given = {"rejects": "rejects", "log_to": "file:log", "from_rejects": "old", "source_config": "@config.json"}
    stored = stored_command(options_of(**given, destination_config=json.dumps(RELATIVE)).given)
    assert [stored[name] for name in given] == [
        str(sites[0] / "rejects"), f"file:{sites[0]}/log", str(sites[0] / "old"), f"@{sites[0]}/config.json",
    ]  # fmt: skip
    assert json.loads(stored["destination_config"]) == {"key": str(sites[0]), "container": "logs"}


def test_run_with_relative_paths_resumes_in_another_folder(interrupted, tmp_path, sites, logs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (sites[0] / "out").mkdir()
    arguments = [
        "--source_provider", "LOCAL", "--source_config", json.dumps(RELATIVE), "--destination_provider", "LOCAL",
        "--destination_config", '{"key": ".", "container": "out"}', "--batch_size", "20", "--rejects", "rejects",
    ]  # fmt: skip
    interrupted(*arguments, "--run", "x")
    monkeypatch.chdir(sites[0])
    call_command("replay_runs", "resume", "x")
    (run,) = json.loads((tmp_path / "out/manifest.json").read_bytes())["runs"]
    assert {output["name"] for output in run["outputs"]} == {path.name for path in (tmp_path / "out").glob("xapi_*")}
    assert list((sites[0] / "out").iterdir()) == []
    assert not (sites[0] / "rejects").exists()
