"""A process of a joined run that vanishes while it records its progress."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import database_servers, sample_identities

#: It is suspended for ever in a transaction. Its connection stays open, as if its machine had died or lost the network.
VANISHING = """
import os, signal, sys
import django; django.setup()
from django.db import transaction
from log_replay.models import RunGroup
from log_replay.pipeline.joined_run import JoinedReplay
from log_replay.report.progress import ProgressLog
from tests.support.ledger_runs import parsed

class Vanishing(ProgressLog):
    def advance(self, offset, lines):
        with transaction.atomic():
            list(RunGroup.objects.select_for_update())
            print("recording", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)

JoinedReplay(parsed(*sys.argv[1:])).replay(Vanishing())
"""
REPLAYING = "from log_replay.management.main import main; main()"


@pytest.fixture(params=["mariadb", "postgresql"])
def database(request, tmp_path_factory):
    """The environment that makes a server the database."""
    start = getattr(database_servers, request.param)
    with start(tmp_path_factory.mktemp(request.param), sample_identities.sample_identities()) as server:
        yield server.environment


def test_locks_of_a_vanished_process_do_not_stay(database, into_files):
    arguments = ["--transformer_type", "xapi", *into_files, "--unit_size", "50KB", "--run", "x", "--join"]
    arguments += ["--lease_secs", "2", "--log_to", "null", "--add_external_ids", "no"]
    vanished = subprocess.Popen([sys.executable, "-c", VANISHING, *arguments], env=database, stdout=subprocess.PIPE)
    try:
        assert vanished.stdout.readline() == b"recording\n"
        other = [sys.executable, "-c", REPLAYING, "replay_tracking_logs", *arguments]
        done = subprocess.run(other, env=database, capture_output=True, check=False, timeout=120)
    finally:
        vanished.kill()
        vanished.communicate()
    assert done.returncode == 0, done.stderr.decode()[-3000:]
