"""A route that is lost is sent what it missed once it is back, and no other route is sent anything twice."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import asdict

import pytest
from django.core.management import CommandError, call_command

from log_replay.errors import ConfigurationError
from log_replay.models import Run as RunRow
from log_replay.models import RunBacklog
from log_replay.pipeline.run import Replay
from log_replay.report.progress import ProgressLog
from log_replay.retry import RetryPolicy
from log_replay.sinks.lrs.circuit_breaker import BreakerDelays
from tests.support.keeping_lrs import KeepingLrs
from tests.support.ledger_runs import Interrupting, parsed
from tests.support.scripted_server import LrsResponse

COUNTED = ("total", "objects", "refusals", "statements_by_event", "rejects_by_reason", "complete")


def counted(report) -> dict:
    """Return what of a report is the same for a run of which a route was lost, and for one of which none was."""
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
    """The arguments of a run to both, in batches of 20 events."""
    settings.FERNET_KEYS = ["a key of the tests"]
    for each in (lrs, other_lrs):
        route_to(each.url)
    return [
        *source, "--destination_provider", "LRS", "--add_external_ids", "no", "--log_to", "null",
        "--batch_size", "20", "--sleep_between_batches_secs", "0",
    ]  # fmt: skip


def route_to(url: str, **configurations) -> None:
    from event_routing_backends.models import RouterConfiguration

    RouterConfiguration.objects.create(
        enabled=True, backend_name="xAPI", route_url=url, auth_scheme="NONE", configurations=configurations
    )


def run_of(*arguments: str, pauses: BreakerDelays | None = None) -> Replay:
    run = Replay(parsed(*arguments))
    for standing in run._sink._standings:
        standing.endpoint._retry_policy = RetryPolicy(retries=1, first_delay_seconds=0.001)
        standing._pauses = pauses or BreakerDelays()
        standing._pause_seconds = standing._pauses.first_seconds
    return run


def replayed(*arguments: str, progress: ProgressLog | None = None, **how):
    return run_of(*arguments, **how).replay(progress or ProgressLog())


@pytest.fixture
def whole(to_both, lrs, other_lrs):
    """What a run gives of which no route is lost."""
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


def test_a_resumed_run_sends_the_lost_route_what_it_missed_and_nobody_else_anything(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.dies_after(3)
    lost = replayed(*to_both, "--run", "x")
    assert not lost.complete
    assert lost.stopped is None
    assert lost.total.balanced
    assert lost.total.failed == lost.routes[other_lrs.url].undelivered == len(made) - len(other_lrs.received)
    assert "503" in lost.routes[other_lrs.url].lost
    assert RunRow.objects.get(name="x").state == RunRow.State.STOPPED
    healthy, had = len(lrs.posted), set(other_lrs.received)
    other_lrs.is_up()
    other_lrs.asked.clear()
    resumed = replayed(*to_both, "--run", "x")
    assert counted(resumed) == counted(report)
    assert resumed.routes == report.routes
    assert len(lrs.posted) == healthy
    assert not {s["id"] for asked in other_lrs.posted for s in json.loads(asked.body)} & had
    assert each_has_all_once(made, lrs, other_lrs)
    assert not RunBacklog.objects.exists()
    assert RunRow.objects.get(name="x").state == RunRow.State.FINISHED


def test_one_that_is_back_before_the_end_gets_it_in_the_same_run(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.script = [*[LrsResponse()] * 4, *[LrsResponse(503)] * 2, LrsResponse()]
    same = replayed(*to_both)
    assert counted(same) == counted(report)
    assert same.routes == report.routes
    assert each_has_all_once(made, lrs, other_lrs)
    assert RunRow.objects.first().state == RunRow.State.FINISHED


def test_one_that_is_back_when_it_is_tried_again_goes_on_and_gets_the_rest_at_the_end(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.script = [*[LrsResponse()] * 4, *[LrsResponse(503)] * 4, LrsResponse()]
    same = replayed(*to_both, pauses=BreakerDelays(0, 0))
    assert counted(same) == counted(report)
    assert same.routes == report.routes
    assert each_has_all_once(made, lrs, other_lrs)
    firsts = [json.loads(asked.body)[0]["id"] for asked in other_lrs.posted]
    in_order = [json.loads(asked.body)[0]["id"] for asked in lrs.posted]
    assert firsts[-3:] == in_order[3:6]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_one_that_says_no_is_not_tried_again_before_the_run_is_resumed(whole, to_both, lrs, other_lrs, status):
    report, made = whole
    other_lrs.dies_after(2, LrsResponse(status))
    lost = replayed(*to_both, "--run", "x", pauses=BreakerDelays(0, 0))
    assert not lost.complete
    assert len(other_lrs.posted) == 3
    other_lrs.is_up()
    assert counted(replayed(*to_both, "--run", "x")) == counted(report)
    assert each_has_all_once(made, lrs, other_lrs)


def test_an_interrupted_run_goes_on_for_all_and_then_brings_the_lost_route_the_rest(whole, to_both, lrs, other_lrs):
    report, made = whole
    small = ["--run", "x", "--unit_size", "50KB"]
    other_lrs.dies_after(2)
    replayed(*to_both, *small, progress=Interrupting(150))
    assert replayed(*to_both, *small, progress=Interrupting(100)).stopped
    other_lrs.is_up()
    resumed = replayed(*to_both, *small)
    assert counted(resumed) == counted(report)
    assert resumed.routes == report.routes
    # A batch that was under way when the run was interrupted is whole, or was not sent.
    assert each_has_all_once(made, lrs, other_lrs)


def test_one_that_is_dead_from_the_beginning_stops_no_other(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.stop()
    lost = replayed(*to_both, "--run", "x")
    assert lost.routes[other_lrs.url].undelivered == len(made)
    assert "connection refused" in lost.routes[other_lrs.url].lost
    assert set(lrs.received) == made
    assert lost.total.failed == report.total.delivered


def test_it_stays_owed_as_long_as_it_is_dead(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.dies_after(2)
    first = replayed(*to_both, "--run", "x")
    other_lrs.dies_after(1)
    second = replayed(*to_both, "--run", "x")
    assert second.total.balanced
    assert 0 < second.total.failed < first.total.failed
    assert second.routes[other_lrs.url].undelivered < first.routes[other_lrs.url].undelivered
    other_lrs.is_up()
    assert counted(replayed(*to_both, "--run", "x")) == counted(report)
    assert each_has_all_once(made, lrs, other_lrs)


def test_what_the_others_refused_is_still_refused_and_what_it_refuses_itself_is_too(to_both, lrs, other_lrs, tmp_path):
    lrs.refuses = lambda statement: statement["id"][0] in "12"
    other_lrs.refuses = lambda statement: statement["id"][0] in "23"
    whole_rejects, rejects = tmp_path / "whole", tmp_path / "rejects"
    report = replayed(*to_both, "--run", "whole", "--rejects", str(whole_rejects))
    assert report.total.failed > 3
    other_lrs.dies_after(10)
    mine = [*to_both, "--run", "x", "--rejects", str(rejects)]
    lost = replayed(*mine)
    assert lost.total.failed > report.total.failed
    assert b"destination_unavailable" not in rejects.read_bytes()
    other_lrs.is_up()
    resumed = replayed(*mine)
    assert counted(resumed) == counted(report)
    assert resumed.routes == report.routes
    renamed = rejects.read_bytes().replace(b'"run":"x"', b'"run":"whole"')
    assert sorted(renamed.splitlines()) == sorted(whole_rejects.read_bytes().splitlines())


def test_a_route_is_owed_only_what_it_wants(to_both, lrs, other_lrs):
    with KeepingLrs() as videos:
        route_to(videos.url, match_params={"name": "play_video|pause_video"})
        report = replayed(*to_both, "--run", "whole")
        wanted = set(videos.received)
        assert 5 < len(wanted) < len(lrs.received)
        videos.dies_after(1)
        lost = replayed(*to_both, "--run", "x")
        assert 0 < lost.total.failed < len(wanted)
        videos.received.clear()
        videos.is_up()
        resumed = replayed(*to_both, "--run", "x")
        assert counted(resumed) == counted(report)
        assert resumed.routes == report.routes
        assert set(videos.received) < wanted


def test_of_two_lost_routes_each_gets_its_own_when_it_is_back(whole, to_both, lrs, other_lrs):
    report, made = whole
    with KeepingLrs() as third:
        route_to(third.url)
        other_lrs.dies_after(2)
        third.dies_after(4)
        lost = replayed(*to_both, "--run", "x")
        assert set(lost.routes) == {lrs.url, other_lrs.url, third.url}
        third.is_up()
        better = replayed(*to_both, "--run", "x")
        assert better.total.balanced
        assert better.total.failed == lost.total.failed
        assert better.routes[third.url].undelivered == 0
        assert better.routes[other_lrs.url].undelivered == lost.routes[other_lrs.url].undelivered
        other_lrs.is_up()
        assert counted(replayed(*to_both, "--run", "x")) == counted(report)
        assert each_has_all_once(made, lrs, other_lrs, third)


def test_when_the_last_route_is_lost_the_run_stops_and_each_goes_on_from_where_it_was(whole, to_both, lrs, other_lrs):
    report, made = whole
    other_lrs.dies_after(2)
    lrs.dies_after(5)
    stopped = replayed(*to_both, "--run", "x")
    assert lrs.url in stopped.stopped
    assert stopped.total.balanced
    for each in (lrs, other_lrs):
        each.is_up()
    resumed = replayed(*to_both, "--run", "x")
    assert counted(resumed) == counted(report)
    assert resumed.routes == report.routes
    assert each_has_all_once(made, lrs, other_lrs)


def test_compressed_objects_and_objects_of_a_line_are_read_again_too(to_both, lrs, other_lrs, logs):
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
    other_lrs.dies_after(3)
    replayed(*to_both, "--run", "x")
    other_lrs.is_up()
    assert counted(replayed(*to_both, "--run", "x")) == counted(report)
    assert each_has_all_once(made, lrs, other_lrs)


def test_an_object_that_changed_since_is_not_mixed(whole, to_both, other_lrs, logs):
    other_lrs.dies_after(2)
    replayed(*to_both, "--run", "x")
    other_lrs.is_up()
    with (logs / "a.log").open("ab") as log:
        log.write(b"{}\n")
    with pytest.raises(ConfigurationError, match="changed after a part of it was replayed"):
        replayed(*to_both, "--run", "x")


def test_what_is_owed_to_a_route_that_is_configured_no_more_stays_owed(whole, to_both, lrs, other_lrs):
    from event_routing_backends.models import RouterConfiguration

    other_lrs.dies_after(2)
    lost = replayed(*to_both, "--run", "x")
    RouterConfiguration.objects.filter(route_url=other_lrs.url).update(enabled=False)
    other_lrs.is_up()
    resumed = replayed(*to_both, "--run", "x")
    assert not resumed.complete
    assert resumed.total == lost.total


def test_the_command_says_who_misses_what_and_how_to_go_on(whole, to_both, other_lrs, capfd):
    other_lrs.dies_after(2, LrsResponse(401))
    command = ["replay_tracking_logs", "--transformer_type", "xapi", *to_both, "--run", "x"]
    with pytest.raises(
        CommandError,
        match=rf"\d+ statements not delivered to unavailable route {other_lrs.url} .*401.*replay_runs resume x",
    ) as said:
        call_command(*command)
    assert said.value.returncode == 1
    assert f"statements not delivered to unavailable route {other_lrs.url}" in " ".join(capfd.readouterr().err.split())
    other_lrs.is_up()
    call_command("replay_runs", "resume", "x")


def test_each_route_s_progress_is_shown(whole, to_both, lrs, other_lrs):
    report, _ = whole
    other_lrs.dies_after(3)
    lost = replayed(*to_both, "--run", "x")
    shown, listed = io.StringIO(), io.StringIO()
    call_command("replay_runs", "show", "x", stdout=shown)
    routes = json.loads(shown.getvalue())["routes"]
    assert routes[lrs.url] == {**asdict(lost.routes[lrs.url]), "percent": 100.0, "reached": None}
    behind = routes[other_lrs.url]
    assert behind["undelivered"] + behind["delivered"] + behind["duplicate"] == report.total.statements
    assert 0 < behind["percent"] < 100
    assert behind["reached"]["object"] == "a.log"
    assert behind["reached"]["offset"] > 0
    call_command("replay_runs", "list", stdout=listed)
    assert f"not delivered to unavailable route {other_lrs.url}" in listed.getvalue()


def test_of_chosen_lines_only_these_are_read_again_though_some_are_not_there(to_both, lrs, other_lrs, logs, tmp_path):
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
    other_lrs.dies_after(1)
    assert not replayed(*mine, "--run", "x").complete
    other_lrs.is_up()
    assert counted(replayed(*mine, "--run", "x")) == counted(report)
    assert each_has_all_once(made, lrs, other_lrs)
