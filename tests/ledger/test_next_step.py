"""The last line of an incomplete run names a next step that works."""

from __future__ import annotations

import io
import json
import re
import shlex

import pytest
from django.core.management import CommandError, call_command

from log_replay.errors import SourceUnavailable
from log_replay.models import Run
from log_replay.sources.local import LocalSource
from tests.support.scripted_server import LrsResponse, ScriptedServer


@pytest.fixture
def server():
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def refused(source, server, sample_identities, monkeypatch):
    """Return a function that runs into an LRS that refuses everything, and returns the last line."""
    monkeypatch.setenv("LRS_PASSWORD", "hunter2")

    def run(*arguments: str, password: str = "${LRS_PASSWORD}") -> str:
        config = json.dumps({"url": server.url, "username": "replay", "password": password})
        lrs = ["--destination_provider", "LRS", "--destination_config", config, "--sleep_between_batches_secs", "0"]
        server.script = [LrsResponse(200), LrsResponse(400)]
        command = ["--transformer_type", "xapi", *source, *lrs, "--event", "play_video", "--log_to", "null"]
        with pytest.raises(CommandError) as caught:
            call_command("replay_tracking_logs", *command, "--run", "x", *arguments)
        assert caught.value.returncode == 1
        return str(caught.value)

    return run


def listed() -> str:
    output = io.StringIO()
    call_command("replay_runs", "list", stdout=output)
    return output.getvalue()


def test_refused_statements_are_sent_again_by_the_named_command(refused, server, tmp_path):
    message = refused("--rejects", str(tmp_path / "rejects"))
    found = re.search(r"(\d+) statements were not delivered; .* send them again: log-replay (.*)", message)
    assert found
    command = shlex.split(found[2])
    assert ["--from_rejects", str(tmp_path / "rejects")] == command[-4:-2]
    server.script = [LrsResponse(200)]
    server.asked.clear()
    call_command(*command)
    sent = [statement for asked in server.posted for statement in json.loads(asked.body)]
    assert len(sent) == int(found[1])


def test_unlisted_refusals_are_named_by_the_full_command(refused, server):
    command = shlex.split(refused().rpartition("log-replay ")[2])
    assert command[-2:] == ["--rejects", "rejects.jsonl"]
    assert "--run" not in command


def test_command_with_secrets_is_not_printed(refused, tmp_path):
    message = refused("--rejects", str(tmp_path / "rejects"), password="hunter2")
    assert "the same command with" in message
    assert "--from_rejects" in message
    assert "hunter2" not in message


def test_run_with_refusals_is_listed_as_incomplete(refused, tmp_path):
    refused("--rejects", str(tmp_path / "rejects"))
    (line,) = listed().splitlines()
    assert line.split()[:2] == ["x", "incomplete"]
    assert line.endswith("statements refused; --from_rejects sends them again")


@pytest.mark.django_db
def test_run_without_a_plan_is_listed_with_0_percent():
    Run.objects.create(name="x", state=Run.State.STOPPED)
    assert " 0.0 %" in listed()


def test_run_that_is_not_stored_is_not_named(into_files, sample_identities, monkeypatch):
    def fail(_self):
        raise SourceUnavailable("gone", operation="list")
        yield

    monkeypatch.setattr(LocalSource, "objects", fail)
    with pytest.raises(CommandError) as caught:
        call_command("replay_tracking_logs", "--transformer_type", "xapi", *into_files)
    assert "running the same command again is safe" in str(caught.value)
    assert "resume" not in str(caught.value)
    assert not Run.objects.exists()
