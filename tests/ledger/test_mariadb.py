"""The ledger in MariaDB, as in an LMS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from tests.support import sample_identities
from tests.support.keeping_lrs import KeepingLrs
from tests.support.paths import ROOT
from tests.support.scripted_server import LrsResponse
from tests.support.servers import served

SETUP = """
import json, sys
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0, interactive=False)
from django.contrib.auth import get_user_model
from log_replay.identities.lms_tables import CourseOverview, ExternalId, ExternalIdType
from log_replay.standalone.embedded import create_lms_tables
create_lms_tables()
directory = json.load(sys.stdin)
types = dict(ExternalIdType.objects.values_list("name", "id"))
for user in directory["users"]:
    ids = user.pop("external_ids", {})
    get_user_model().objects.create(**user)
    for name, value in ids.items():
        ExternalId.objects.create(user_id=user["id"], external_id_type_id=types[name], external_user_id=value)
for course in directory["courses"]:
    CourseOverview.objects.create(**course)
"""
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
    install, server = (
        shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("mariadb-install-db", "mariadbd")
    )
    if not install or not server:
        pytest.skip("this test needs MariaDB: apt-get install mariadb-server")
    pytest.importorskip("MySQLdb", reason="this test needs mysqlclient: pip install mysqlclient")
    home = tmp_path_factory.mktemp("mariadb")
    socket, user = home / "socket", [f"--user={os.environ.get('USER', 'root')}"]
    place = [f"--datadir={home / 'data'}", "--no-defaults"]
    subprocess.run(
        [install, *reversed(place), "--auth-root-authentication-method=normal", *user], check=True, capture_output=True
    )
    command = [server, *reversed(place), f"--socket={socket}", "--skip-networking", f"--pid-file={home / 'pid'}", *user]
    client = [shutil.which("mariadb"), "--no-defaults", f"--socket={socket}", "--user=root", "-e"]
    with served(command, home, {}) as log:
        until = time.monotonic() + 60
        create = [*client, "CREATE DATABASE edxapp CHARACTER SET utf8mb4"]
        while subprocess.run(create, capture_output=True, check=False).returncode:
            assert time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.2)
        sample = sample_identities.sample_identities()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.support.mariadb_site",
            "PYTHONPATH": str(ROOT),
            "MARIADB_SOCKET": str(socket),
            "LOG_REPLAY_HOME": str(home),
            "LOG_REPLAY_RETIRED_USER_SALTS": ",".join(sample["retired_user_salts"]),
        }
        subprocess.run([sys.executable, "-c", SETUP], env=environment, input=json.dumps(sample).encode(), check=True)
        yield environment


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
