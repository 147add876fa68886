"""The ledger in MariaDB, as in an LMS."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support import database_servers, sample_identities
from tests.support.keeping_lrs import KeepingLrs
from tests.support.scripted_server import LrsResponse

OPTIONS = """
import argparse, json, sys
import django; django.setup()
from log_replay.ledger.overview import as_dict, runs
from log_replay.statement_log import configure_own_log
from log_replay.options.arguments import add_arguments
from log_replay.options import read_options
from log_replay.report.progress import ProgressLog
from log_replay.pipeline.run import Replay

configure_own_log()
parser = argparse.ArgumentParser()
add_arguments(parser)
options = read_options(vars(parser.parse_args(sys.argv[1:])))
"""
INTERRUPTED = f"""{OPTIONS}
class Interrupting(ProgressLog):
    def advance(self, offset, lines):
        super().advance(offset, lines)
        if self.lines >= 150:
            raise KeyboardInterrupt

shown = []
for progress in (Interrupting(), ProgressLog()):
    report = Replay(options).replay(progress)
    shown.append(as_dict(runs().get(name=options.run)))
print(json.dumps([shown, report.as_dict()]))
"""
#: Replays to the routes of the first line on stdin, and again after the second line.
ROUTED = f"""{OPTIONS}
from event_routing_backends.models import RouterConfiguration
for url in json.loads(sys.stdin.readline()):
    RouterConfiguration.objects.create(
        enabled=True, backend_name="xAPI", route_url=url, auth_scheme="NONE", configurations={{}}
    )
for _ in range(2):
    print(json.dumps(Replay(options).replay(ProgressLog()).as_dict()), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory):
    """Start a server with the tables of the LMS, and return the environment that makes it the database."""
    sample = sample_identities.sample_identities()
    salts = ",".join(sample["retired_user_salts"])
    with database_servers.mariadb(tmp_path_factory.mktemp("mariadb"), sample) as server:
        yield {**server.environment, "LOG_REPLAY_RETIRED_USER_SALTS": salts}


def test_interrupted_run_is_resumed(mariadb, into_files, replay):
    expected = replay(*into_files).as_dict()
    arguments = ["--transformer_type", "xapi", *into_files, "--unit_size", "50KB", "--run", "x"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *arguments], env=mariadb, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    (stopped, finished), summary = json.loads(done.stdout)
    assert (stopped["state"], finished["state"]) == ("stopped", "finished")
    assert 10 < stopped["percent"] < 90
    assert finished["percent"] == 100
    assert finished["counters"] == expected["total"]
    for name in ("total", "objects", "statements_by_event", "rejects_by_reason", "unknown_names"):
        assert summary[name] == expected[name]


def test_backlog_is_stored_and_redelivered(mariadb, source):
    arguments = [
        "--transformer_type", "xapi", *source, "--destination_provider", "LRS", "--add_external_ids", "no",
        "--batch_size", "20", "--sleep_between_batches_secs", "0", "--log_to", "null", "--run", "routed",
    ]  # fmt: skip
    with KeepingLrs() as healthy, KeepingLrs() as lost:
        lost.fail_after(3, LrsResponse(404))
        with subprocess.Popen(
            [sys.executable, "-c", ROUTED, *arguments], env=mariadb, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            process.stdin.write(json.dumps([healthy.url, lost.url]).encode() + b"\n")
            process.stdin.flush()
            first = json.loads(process.stdout.readline())
            lost.recover()
            process.stdin.write(b"\n\n")
            process.stdin.flush()
            second = json.loads(process.stdout.readline())
        assert first["routes"][lost.url]["undelivered"] == first["total"]["failed"] > 0
        assert second["complete"]
        assert second["total"]["failed"] == 0
        assert set(healthy.received) == set(lost.received)
        assert set(healthy.received.values()) == set(lost.received.values()) == {1}
