"""Refused statements are written to ``--rejects``: position and reason, and their content only if asked for."""

from __future__ import annotations

import io
import json

import pytest

from tests.support.scripted_server import LrsResponse, ScriptedServer


@pytest.fixture
def server():
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def rejects(tmp_path):
    return tmp_path / "rejects.jsonl"


def to_lrs(config, *more: str) -> list[str]:
    place = ["--destination_provider", "LRS", "--destination_config", json.dumps(config)]
    return [*place, "--sleep_between_batches_secs", "0", "--add_external_ids", "no", "--log_to", "null", *more]


def entries(rejects, destination) -> list[dict]:
    """Return the entries for statements that a destination refused."""
    found = [json.loads(line) for line in rejects.read_bytes().splitlines()]
    return [entry for entry in found if entry.get("destination") == destination]


def test_refused_statements_are_listed_without_content(replay, source, learning_locker, rejects, logs):
    """Learning Locker is strict, and refuses upstream's statements about exams."""
    report = replay(*source, *to_lrs(learning_locker.config, "--rejects", str(rejects), "--run", "listed"))
    refused = entries(rejects, learning_locker.url)
    assert len(refused) == report.total.failed > 5
    assert report.total.delivered > 100
    log = (logs / "tracking.log").read_bytes()
    for entry in refused:
        line = log[entry["offset"] :].split(b"\n", 1)[0]
        assert entry["event"].encode() in line
        assert entry == {
            "object": "tracking.log",
            "offset": entry["offset"],
            "event": entry["event"],
            "reason": "invalid",
            "run": "listed",
            "statement_id": entry["statement_id"],
            "destination": learning_locker.url,
            "status": 400,
            "fields": entry["fields"],
        }
    assert any("object" in field for entry in refused for field in entry["fields"])
    assert rejects.stat().st_mode & 0o777 == 0o600


def test_content_adds_statement_answer_and_line(replay, source, server, rejects, logs):
    server.script = [LrsResponse(400, body=b'{"error": "ada@example.com is no agent"}')]
    rejects.touch(mode=0o644)
    config = {"url": server.url, "token": "t0ken-s3cret"}
    more = ["--rejects", str(rejects), "--rejects_with_content", "--event", "play_video"]
    report = replay(*source, *to_lrs(config, *more))
    refused = entries(rejects, server.url)
    assert len(refused) == report.total.failed > 0
    for entry in refused:
        assert json.loads(entry["statement"])["id"] == entry["statement_id"]
        assert entry["answer"] == '{"error": "ada@example.com is no agent"}'
    log = (logs / "tracking.log").read_bytes()
    others = [json.loads(line) for line in rejects.read_bytes().splitlines() if b'"destination"' not in line]
    assert others
    for entry in others:
        if "line" in entry:
            assert log[entry["offset"] :].startswith(entry["line"].encode())
    assert rejects.stat().st_mode & 0o777 == 0o600
    assert b"s3cret" not in rejects.read_bytes()


def test_undelivered_statements_of_stdin_can_be_sent_alone(
    replay, source, logs, server, rejects, tmp_path, settings, monkeypatch
):
    """Standard input cannot be resumed: the rejects file lists the statements that an unavailable route did not get."""
    from event_routing_backends.models import RouterConfiguration

    settings.FERNET_KEYS = ["a key of the tests"]
    with ScriptedServer() as dead:
        dead.script = [LrsResponse(200), LrsResponse(200), LrsResponse(401)]
        for url in (server.url, dead.url):
            RouterConfiguration.objects.create(
                enabled=True, backend_name="xAPI", route_url=url, auth_scheme="NONE", configurations={}
            )
        with (logs / "tracking.log").open("rb") as log:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(log))
            report = replay("--source_provider", "STDIN", *to_lrs({}, "--batch_size", "100", "--rejects", str(rejects)))
        missed = entries(rejects, dead.url)
        assert {entry["reason"] for entry in missed} == {"destination_unavailable"}
        assert len(missed) == report.total.failed > 0
        assert report.total.delivered > 0
        made = {statement["id"] for asked in server.posted for statement in json.loads(asked.body)}
        assert len(made) == report.total.delivered + report.total.failed
        dead.script = [LrsResponse(200)]
        dead.asked.clear()
        server.asked.clear()
        only = tmp_path / "only.jsonl"
        named = [{**entry, "object": "tracking.log"} for entry in missed]
        only.write_bytes(b"".join(json.dumps(entry).encode() + b"\n" for entry in named))
        again = replay(*source, *to_lrs({}, "--lrs_urls", dead.url, "--from_rejects", str(only)))
        assert again.complete
        sent = {statement["id"] for asked in dead.posted for statement in json.loads(asked.body)}
        assert sent == {entry["statement_id"] for entry in missed}
        assert server.asked == []
