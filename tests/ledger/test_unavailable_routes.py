"""Unavailable routes receive their backlog when they recover; no route receives a statement twice."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import asdict

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from log_replay.errors import ConfigurationError
from log_replay.models import Run as RunRow
from log_replay.models import RunBacklog
from log_replay.pipeline import transform
from log_replay.pipeline.joined_run import JoinedReplay
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs import sink as lrs_sink
from log_replay.sinks.lrs.circuit_breaker import BREAKER_DELAYS
from log_replay.sinks.lrs.routes import enabled_routes
from log_replay.sinks.lrs.sink import LrsSink
from tests.support.keeping_lrs import KeepingLrs
from tests.support.ledger_runs import Interrupting, parsed
from tests.support.scripted_server import LrsResponse

#: An unavailable route is tried again with the next batch.
NO_DELAY = RetryPolicy(first_delay_seconds=0, max_delay_seconds=0)
COUNTED = ("total", "objects", "refusals", "statements_by_event", "rejects_by_reason", "complete")


def counted(report) -> dict:
    """Return the parts of a report that are the same with and without an unavailable route."""
    return {name: getattr(report, name) for name in COUNTED}


@pytest.fixture
def lrs():
    with KeepingLrs() as running:
        yield running


@pytest.fixture
def other_lrs():
    with KeepingLrs() as running:
        yield running


@pytest.fixture
def to_both(lrs, other_lrs, source, settings, sample_identities):
    """The arguments of a run to both LRSs, in batches of 20 events."""
    settings.FERNET_KEYS = ["a key of the tests"]
    for each in (lrs, other_lrs):
        add_route(each.url)
    return [
        *source, "--destination_provider", "LRS", "--add_external_ids", "no", "--log_to", "null",
        "--batch_size", "20", "--sleep_between_batches_secs", "0",
    ]  # fmt: skip


def add_route(url: str, **configurations) -> None:
    from event_routing_backends.models import RouterConfiguration

    RouterConfiguration.objects.create(
        enabled=True, backend_name="xAPI", route_url=url, auth_scheme="NONE", configurations=configurations
    )


def replayed(*arguments: str, progress=None, breaker_delays=BREAKER_DELAYS, kind: type[Replay] = Replay):
    """Run with few and quick retries, and return the report."""
    sink = LrsSink(
        enabled_routes("xapi"),
        transformer_type="xapi",
        retry_policy=RetryPolicy(retries=1, first_delay_seconds=0.001),
        breaker_delays=breaker_delays,
    )
    return kind(parsed(*arguments), sink).replay(progress or ProgressLog())


@pytest.fixture
def whole(to_both, lrs, other_lrs):
    """The report and the statements of a run without an unavailable route."""
    report = replayed(*to_both, "--run", "whole")
    assert report.complete, report.as_dict()
    assert report.routes[lrs.url] == report.routes[other_lrs.url]
    made = set(lrs.received)
    for each in (lrs, other_lrs):
        each.received.clear()
        each.asked.clear()
    return report, made


def each_has_all_once(made, *servers) -> bool:
    return all(set(server.received) == made and set(server.received.values()) == {1} for server in servers)


def test_joined_run_redelivers_while_its_database_restarts(whole, to_both, lrs, other_lrs):
    report, made = whole
    to_both += ["--run", "x", "--join", "--lease_secs", "5"]
    other_lrs.fail_after(3)
    assert not replayed(*to_both, kind=JoinedReplay).complete
    other_lrs.recover()
    failed = []  # the first reading of the backlog, and the first change of it

    def fail_at_first(execute, sql, params, many, context):
        action = sql.split()[0]
        if "log_replay_runbacklog" in sql and action not in failed:
            failed.append(action)
            raise OperationalError(2006, "Server has gone away")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail_at_first):
        complete = replayed(*to_both, kind=JoinedReplay)
    assert failed == ["SELECT", "DELETE"]
    assert counted(complete) == counted(report)
    assert each_has_all_once(made, lrs, other_lrs)


def test_resumed_run_redelivers_the_backlog_to_its_route_only(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.fail_after(3)
    incomplete = replayed(*to_both, "--run", "x")
    assert not incomplete.complete
    assert incomplete.stopped is None
    assert incomplete.total.balanced
    assert (
        incomplete.total.failed == incomplete.routes[other_lrs.url].undelivered == len(made) - len(other_lrs.received)
    )
    assert "503" in incomplete.routes[other_lrs.url].unavailable
    assert RunRow.objects.get(name="x").state == RunRow.State.STOPPED
    healthy, had = len(lrs.posted), set(other_lrs.received)
    other_lrs.recover()
    other_lrs.asked.clear()
    resumed = replayed(*to_both, "--run", "x")
    assert counted(resumed) == counted(report)
    assert resumed.routes == report.routes
    assert len(lrs.posted) == healthy
    assert not {s["id"] for asked in other_lrs.posted for s in json.loads(asked.body)} & had
    assert each_has_all_once(made, lrs, other_lrs)
    assert not RunBacklog.objects.exists()
    assert RunRow.objects.get(name="x").state == RunRow.State.FINISHED


def test_recovered_route_receives_its_backlog_at_the_end(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.script = [*[LrsResponse()] * 4, *[LrsResponse(503)] * 2, LrsResponse()]
    same = replayed(*to_both)
    assert counted(same) == counted(report)
    assert same.routes == report.routes
    assert each_has_all_once(made, lrs, other_lrs)
    assert RunRow.objects.first().state == RunRow.State.FINISHED


def test_route_that_recovers_early_continues_with_the_others(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.script = [*[LrsResponse()] * 4, *[LrsResponse(503)] * 4, LrsResponse()]
    same = replayed(*to_both, breaker_delays=NO_DELAY)
    assert counted(same) == counted(report)
    assert same.routes == report.routes
    assert each_has_all_once(made, lrs, other_lrs)
    firsts = [json.loads(asked.body)[0]["id"] for asked in other_lrs.posted]
    in_order = [json.loads(asked.body)[0]["id"] for asked in lrs.posted]
    assert firsts[-3:] == in_order[3:6]


def test_run_opens_one_endpoint_a_route_and_one_transformer(to_both, lrs, other_lrs, monkeypatch):
    """Redelivery included."""
    opened = []
    for module, name in ((lrs_sink, "Endpoint"), (transform, "UpstreamTransformer")):
        monkeypatch.setattr(module, name, counted_class(getattr(module, name), opened))
    other_lrs.script = [*[LrsResponse()] * 4, *[LrsResponse(503)] * 2, LrsResponse()]
    assert replayed(*to_both).complete
    assert sorted(opened) == ["Endpoint", "Endpoint", "UpstreamTransformer"]
    assert lrs.received == other_lrs.received


def counted_class(original, opened):
    """Return a class that adds its name to a list with each instance."""

    class Counted(original):
        def __init__(self, *arguments, **named):
            opened.append(original.__name__)
            super().__init__(*arguments, **named)

    return Counted


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refusing_route_is_not_retried_before_a_resume(whole, to_both, lrs, other_lrs, status):
    report, made = whole
    other_lrs.fail_after(2, LrsResponse(status))
    incomplete = replayed(*to_both, "--run", "x", breaker_delays=NO_DELAY)
    assert not incomplete.complete
    assert len(other_lrs.posted) == 3
    other_lrs.recover()
    assert counted(replayed(*to_both, "--run", "x")) == counted(report)
    assert each_has_all_once(made, lrs, other_lrs)


def test_interrupted_run_with_a_backlog_is_resumed(whole, to_both, lrs, other_lrs):
    report, made = whole
    small = ["--run", "x", "--unit_size", "50KB"]
    other_lrs.fail_after(2)
    replayed(*to_both, *small, progress=Interrupting(150))
    assert replayed(*to_both, *small, progress=Interrupting(100)).stopped
    other_lrs.recover()
    resumed = replayed(*to_both, *small)
    assert counted(resumed) == counted(report)
    assert resumed.routes == report.routes
    # An interrupt does not cut a batch: it is sent completely, or not at all.
    assert each_has_all_once(made, lrs, other_lrs)


def test_route_that_is_down_at_the_start_stops_no_other(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.stop()
    incomplete = replayed(*to_both, "--run", "x")
    assert incomplete.routes[other_lrs.url].undelivered == len(made)
    assert "connection refused" in incomplete.routes[other_lrs.url].unavailable
    assert set(lrs.received) == made
    assert incomplete.total.failed == report.total.delivered


def test_backlog_remains_while_the_route_is_unavailable(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.fail_after(2)
    first = replayed(*to_both, "--run", "x")
    other_lrs.fail_after(1)
    second = replayed(*to_both, "--run", "x")
    assert second.total.balanced
    assert 0 < second.total.failed < first.total.failed
    assert second.routes[other_lrs.url].undelivered < first.routes[other_lrs.url].undelivered
    other_lrs.recover()
    assert counted(replayed(*to_both, "--run", "x")) == counted(report)
    assert each_has_all_once(made, lrs, other_lrs)


def test_refusals_of_all_routes_are_kept_after_redelivery(to_both, lrs, other_lrs, tmp_path):
    lrs.refuses = lambda statement: statement["id"][0] in "12"
    other_lrs.refuses = lambda statement: statement["id"][0] in "23"
    whole_rejects, rejects = tmp_path / "whole", tmp_path / "rejects"
    report = replayed(*to_both, "--run", "whole", "--rejects", str(whole_rejects))
    assert report.total.failed > 3
    other_lrs.fail_after(10)
    mine = [*to_both, "--run", "x", "--rejects", str(rejects)]
    incomplete = replayed(*mine)
    assert incomplete.total.failed > report.total.failed
    assert b"destination_unavailable" not in rejects.read_bytes()
    other_lrs.recover()
    resumed = replayed(*mine)
    assert counted(resumed) == counted(report)
    assert resumed.routes == report.routes
    renamed = rejects.read_bytes().replace(b'"run":"x"', b'"run":"whole"')
    assert sorted(renamed.splitlines()) == sorted(whole_rejects.read_bytes().splitlines())


def test_backlog_contains_only_events_that_the_route_accepts(to_both, lrs, other_lrs):
    with KeepingLrs() as videos:
        add_route(videos.url, match_params={"name": "play_video|pause_video"})
        report = replayed(*to_both, "--run", "whole")
        wanted = set(videos.received)
        assert 5 < len(wanted) < len(lrs.received)
        videos.fail_after(1)
        incomplete = replayed(*to_both, "--run", "x")
        assert 0 < incomplete.total.failed < len(wanted)
        videos.received.clear()
        videos.recover()
        resumed = replayed(*to_both, "--run", "x")
        assert counted(resumed) == counted(report)
        assert resumed.routes == report.routes
        assert set(videos.received) < wanted


def test_each_of_two_unavailable_routes_gets_its_backlog(whole, to_both, lrs, other_lrs):
    report, made = whole
    with KeepingLrs() as third:
        add_route(third.url)
        other_lrs.fail_after(2)
        third.fail_after(4)
        incomplete = replayed(*to_both, "--run", "x")
        assert set(incomplete.routes) == {lrs.url, other_lrs.url, third.url}
        third.recover()
        better = replayed(*to_both, "--run", "x")
        assert better.total.balanced
        assert better.total.failed == incomplete.total.failed
        assert better.routes[third.url].undelivered == 0
        assert better.routes[other_lrs.url].undelivered == incomplete.routes[other_lrs.url].undelivered
        other_lrs.recover()
        assert counted(replayed(*to_both, "--run", "x")) == counted(report)
        assert each_has_all_once(made, lrs, other_lrs, third)


def test_run_without_available_routes_stops_and_is_resumed(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.fail_after(2)
    lrs.fail_after(5)
    stopped = replayed(*to_both, "--run", "x")
    assert lrs.url in stopped.stopped
    assert stopped.total.balanced
    for each in (lrs, other_lrs):
        each.recover()
    resumed = replayed(*to_both, "--run", "x")
    assert counted(resumed) == counted(report)
    assert resumed.routes == report.routes
    assert each_has_all_once(made, lrs, other_lrs)


def test_backlog_of_compressed_and_one_line_objects(to_both, lrs, other_lrs, logs):
    lines = (logs / "a.log").read_bytes().splitlines(keepends=True)
    (logs / "a.log").write_bytes(b"")
    (logs / "a.log.gz").write_bytes(gzip.compress(b"".join(lines)))
    for number, line in enumerate((logs / "b.log").read_bytes().splitlines(keepends=True)):
        (logs / f"b-{number:03}.log").write_bytes(line)
    (logs / "b.log").unlink()
    report = replayed(*to_both, "--run", "whole")
    made = set(lrs.received)
    for each in (lrs, other_lrs):
        each.received.clear()
    other_lrs.fail_after(3)
    replayed(*to_both, "--run", "x")
    other_lrs.recover()
    assert counted(replayed(*to_both, "--run", "x")) == counted(report)
    assert each_has_all_once(made, lrs, other_lrs)


def test_changed_object_with_a_backlog_is_an_error(whole, to_both, other_lrs, logs):
    other_lrs.fail_after(2)
    replayed(*to_both, "--run", "x")
    other_lrs.recover()
    (logs / "a.log").write_bytes(b"{}\n" + (logs / "a.log").read_bytes())
    with pytest.raises(ConfigurationError, match="changed after a part of it was replayed"):
        replayed(*to_both, "--run", "x")


def test_backlog_of_a_removed_route_remains(whole, to_both, lrs, other_lrs):
    from event_routing_backends.models import RouterConfiguration

    other_lrs.fail_after(2)
    incomplete = replayed(*to_both, "--run", "x")
    RouterConfiguration.objects.filter(route_url=other_lrs.url).update(enabled=False)
    other_lrs.recover()
    resumed = replayed(*to_both, "--run", "x")
    assert not resumed.complete
    assert resumed.total == incomplete.total


def test_command_reports_the_backlog_and_how_to_resume(whole, to_both, other_lrs, capfd):
    other_lrs.fail_after(2, LrsResponse(401))
    command = ["replay_tracking_logs", "--transformer_type", "xapi", *to_both, "--run", "x"]
    with pytest.raises(
        CommandError,
        match=rf"\d+ statements not delivered to unavailable route {other_lrs.url} .*401.*runs resume x",
    ) as said:
        call_command(*command)
    assert said.value.returncode == 1
    assert f"statements not delivered to unavailable route {other_lrs.url}" in " ".join(capfd.readouterr().err.split())
    other_lrs.recover()
    call_command("replay_runs", "resume", "x")


def test_progress_of_each_route_is_shown(whole, to_both, lrs, other_lrs):
    report, _ = whole
    other_lrs.fail_after(3)
    incomplete = replayed(*to_both, "--run", "x")
    shown, listed = io.StringIO(), io.StringIO()
    call_command("replay_runs", "show", "x", stdout=shown)
    routes = json.loads(shown.getvalue())["routes"]
    assert routes[lrs.url] == {**asdict(incomplete.routes[lrs.url]), "percent": 100.0, "reached": None}
    behind = routes[other_lrs.url]
    assert behind["undelivered"] + behind["delivered"] + behind["duplicate"] == report.total.statements
    assert 0 < behind["percent"] < 100
    assert behind["reached"]["object"] == "a.log"
    assert behind["reached"]["offset"] > 0
    call_command("replay_runs", "list", stdout=listed)
    assert f"not delivered to unavailable route {other_lrs.url}" in listed.getvalue()


def test_backlog_of_chosen_lines_some_of_which_do_not_exist(to_both, lrs, other_lrs, logs, tmp_path):
    log = (logs / "a.log").read_bytes()
    offsets = [0, *(place + 1 for place, byte in enumerate(log) if byte == ord("\n"))][:-1][::2]
    chosen = tmp_path / "chosen"
    absent = [offset + 1 for offset in offsets[3:]]
    entries = ({"object": "a.log", "offset": offset} for offset in sorted([*offsets, *absent]))
    chosen.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    mine = [*to_both, "--from_rejects", str(chosen)]
    report = replayed(*mine, "--run", "whole")
    made = set(lrs.received)
    for each in (lrs, other_lrs):
        each.received.clear()
    other_lrs.fail_after(1)
    assert not replayed(*mine, "--run", "x").complete
    other_lrs.recover()
    assert counted(replayed(*mine, "--run", "x")) == counted(report)
    assert each_has_all_once(made, lrs, other_lrs)
